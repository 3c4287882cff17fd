"""What a command says when something outside of the program is not as it should be: one sentence, and what to do."""

import errno
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import isnan
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

import click

from app.places import INSTALL_AGAIN

if TYPE_CHECKING:
    import psycopg

OF_THE_SYSTEM = {errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EROFS}
"""What a machine lacks, when the system does not say of which file."""

NO_UTF8 = "surrogates not allowed"
"""What Python says of the bytes of an argument or a variable that are no text."""

BROKE_OFF = ("pipeline mode", "server closed the connection", "the connection is closed", "the connection is lost")
"""What psycopg and libpq say of a connection that ended while it was used."""

WHAT_LISTS = {
    "ApiKeyNotFound": "`flask keys list` has their ids.",
    "NodePackageNotFound": "`flask packages list` has those that are.",
    "ProjectNotFound": "GET /api/v1/projects lists them, and POST makes one; without --project it is `default`.",
    "UserNotFound": "GET /api/v1/users lists them; `flask keys owner EMAIL` says whose the instance is.",
}
"""Where one sees what there is, by the error that something is not there."""


class Number(click.FloatRange):
    """A number between bounds. NaN is none: it is neither below nor above any."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; a usage error for text that is none, NaN, and what is out of bounds."""
        number = float(super().convert(value, param, ctx))
        return self.fail("this is not a number", param, ctx) if isnan(number) else number


@contextmanager
def report_errors() -> Iterator[None]:
    """End the command with a message and exit code 1 for what is expected to go wrong."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):  # is one already
        raise
    except Exception as error:
        cause = as_domain_error(error)
        said = explanation(cause)
        if said is None:
            if cause is error:
                raise
            raise cause from error
        raise click.ClickException(said) from cause


def as_domain_error(error: Exception) -> Exception:
    """What the repository makes of an error of the database; any other as it is."""
    from app.repository.errors import translate_errors

    try:
        with translate_errors():
            raise error
    except Exception as translated:
        return translated


def explanation(error: Exception) -> str | None:
    """What went wrong and what to do about it; None where the program is at fault."""
    # What can go wrong is loaded when something has: it belongs to rooms that most commands have no need of.
    import psycopg

    from app.embedded.account import NoUsableAccount
    from app.embedded.binaries import BinariesMissing
    from app.embedded.server import EmbeddedPostgresError
    from app.environment import SettingsError
    from app.migrations import MigrationError
    from app.processes import ChildDied
    from app.repository.errors import NotFound, RepositoryError
    from app.up import CannotStart

    fit_to_be_shown = (
        BinariesMissing,
        CannotStart,
        ChildDied,
        EmbeddedPostgresError,
        MigrationError,
        NoUsableAccount,
        RepositoryError,
        SettingsError,
    )
    if isinstance(error, NotFound):
        return f"{error}. {WHAT_LISTS.get(type(error).__name__, '')}".removesuffix(". ")
    if isinstance(error, fit_to_be_shown):
        return str(error)
    if isinstance(error, psycopg.Error):
        advice = _advice(error)
        return None if advice is None else f"{_message(error)}\n{advice}".rstrip()
    if isinstance(error, UnicodeEncodeError) and error.reason == NO_UTF8:
        return f"{error.object!a:.80} is no text in UTF-8: write it anew in a terminal or file that is."
    if isinstance(error, OSError) and error.errno in OF_THE_SYSTEM and _was_printing(error):
        _print_nowhere()
        return f"What this command prints cannot be written: {error.strerror}."
    if isinstance(error, OSError) and (error.filename is not None or error.errno in OF_THE_SYSTEM):
        place = f"{error.filename}: " if error.filename is not None else ""
        return f"{place}{error.strerror}. {_file_advice(error)}"
    return None


class Command(click.Command):
    """A command that ends like that, whatever part of it something goes wrong in."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what went wrong outside becomes one sentence on standard error and an exit status."""
        gc.freeze()  # what is loaded stays to the end, and then goes with the process
        with report_errors():
            return super().invoke(ctx)


def _message(error: "psycopg.Error") -> str:
    """What the database says, without the statement that it says it of."""
    told = (error.diag.message_primary, error.diag.message_detail, error.diag.message_hint)
    return "\n".join(filter(None, told)) or str(error).strip()


def _advice(error: "psycopg.Error") -> str | None:
    """What to do about an error of the database, empty where its message says it; None: it is the program's fault."""
    import psycopg
    from psycopg import errors as pg

    if isinstance(error, pg.UndefinedTable | pg.UndefinedColumn | pg.InvalidSchemaName):
        return "The database is not migrated to this version: run `flask migrate` first."
    if isinstance(error, pg.InsufficientPrivilege):
        return "Grant the role of DATABASE_URL what it lacks (docs/operate.md), or use another role."
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return "This database takes no changes, as a replica does not: let DATABASE_URL lead to the primary."
    if isinstance(error, pg.DuplicateTable | pg.DuplicateObject | pg.DuplicateFunction):
        return "The database holds tables of another program: give this one a database of its own."
    if isinstance(error, pg.AdminShutdown | pg.CrashShutdown):
        return "The server of DATABASE_URL was stopped or started anew: run the same again."
    if isinstance(error, psycopg.OperationalError):
        if "failed to resolve host" in str(error):
            return "Characters such as @ : / in a password are percent-encoded in DATABASE_URL (%40 %3A %2F)."
        if "unsupported startup parameter" in str(error):
            return "Behind PgBouncer, set DATABASE_DIRECT_URL to the address of PostgreSQL itself."
        if any(sign in str(error) for sign in BROKE_OFF):
            return "The connection to PostgreSQL broke off: run the same again."
        if str(error).startswith("connection failed"):
            return "Look at DATABASE_URL (and at DATABASE_DIRECT_URL, where it is set), and whether that server runs."
        return ""
    return None


def _was_printing(error: OSError) -> bool:
    """Whether it came up where something is printed."""
    return any(frame.f_code is click.echo.__code__ for frame, _ in walk_tb(error.__traceback__))


def _print_nowhere() -> None:
    """Give up what is still to be printed: it would fail again, with a traceback, as the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _file_advice(error: OSError) -> str:
    if "node_modules" in str(error.filename):
        return f"{INSTALL_AGAIN[0].upper()}{INSTALL_AGAIN[1:]}."
    if isinstance(error, PermissionError):
        return "Let this user read and write EXECUTIONS_HOME, or set it to a folder that is this user's."
    return "Look at EXECUTIONS_HOME and at the disk that it is on."
