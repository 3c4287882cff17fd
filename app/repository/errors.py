"""What can go wrong with the domain's objects; an exception's first argument is its message.

PostgreSQL's own errors become these in `translate_errors`, keyed on the name of the constraint, and nowhere else.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg


class RepositoryError(Exception):
    """Something about the stored objects forbids what was asked."""

    default = "The request cannot be carried out"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.default)

    @property
    def message(self) -> str:
        """One sentence, fit for the `message` of an answer."""
        return str(self.args[0])


class NotFound(RepositoryError):
    """There is no such object within what the caller may see."""


class ExecutionNotFound(NotFound):
    """No execution with this id; the message is as documented."""

    default = "Execution not found"


class NodeDataNotFound(NotFound):
    """The execution has recorded no such run of the node, or no such output or item of it."""

    default = "The node did not run"


class DeletionJobNotFound(NotFound):
    """No deletion in the background with this id: jobs are known for a week after their end."""

    default = "Deletion job not found"


class ProblemNotFound(NotFound):
    """No problem with this id."""

    default = "Problem not found"


class RetryJobNotFound(NotFound):
    """No retries in the background with this id: jobs are known for a week after their end."""

    default = "Retry job not found"


class ViewNotFound(NotFound):
    """No view with this id that belongs to the caller's key."""

    default = "View not found"


class WorkflowNotFound(NotFound):
    """No workflow with this id."""

    default = "Workflow not found"


class VersionNotFound(NotFound):
    """The workflow has no version with this id."""

    default = "Version not found"


class TagNotFound(NotFound):
    """No tag with this id; of several ids, one that is no tag's."""

    default = "Tag not found"


class ProjectNotFound(NotFound):
    """No project with this id."""

    default = "Project not found"


class CredentialNotFound(NotFound):
    """No credential with this id."""

    default = "Credential not found"


class CredentialTypeNotFound(NotFound):
    """No credential type of this name here, nor in an installed package."""

    default = "Credential type not found"


class VariableNotFound(NotFound):
    """No variable with this id."""

    default = "Variable not found"


class UserNotFound(NotFound):
    """No user with this id or e-mail address, or none who is a member of the project."""

    default = "User not found"


class DataTableNotFound(NotFound):
    """No data table with this id."""

    default = "Data table not found"


class DataTableColumnNotFound(NotFound):
    """The data table has no column with this id."""

    default = "Data table column not found"


class ApiKeyNotFound(NotFound):
    """No API key with this id, or it is revoked."""

    default = "API key not found"


class NodePackageNotFound(NotFound):
    """No node package of this name is installed."""

    default = "Package not found"


class Conflict(RepositoryError):
    """The object's state forbids what was asked."""


class CannotStop(Conflict):
    """Only new, running and waiting executions can be stopped."""


class CannotRetry(Conflict):
    """Only executions that failed, were canceled or crashed can be retried, one retry at a time."""


class AlreadyExists(Conflict):
    """Another object has this name or id."""


class StillInUse(Conflict):
    """Other objects depend on this one."""


class NodePackageBusy(Conflict):
    """Another change of this package is under way."""


class IsArchived(RepositoryError):
    """An archived workflow is put away: it cannot be changed, activated or run."""

    default = "The workflow is archived"


class CannotDelete(RepositoryError):
    """One of those to delete still runs, so none of them is deleted; the message is as documented."""

    default = "Cannot delete a running execution"


TOO_LONG = "A value in the request is too long to be stored: a name, a path or an id of some thousand characters, say"


class Invalid(RepositoryError):
    """A value that PostgreSQL cannot hold, such as a text with a NUL character."""

    default = "A value in the request cannot be stored"


class IdempotencyKeyReused(RepositoryError):
    """The Idempotency-Key was used for another request: only the same one gets the same answer."""

    default = "The Idempotency-Key was already used with another request body"


BY_REFERENCE: dict[str, type[NotFound]] = {
    "api_key_id_fkey": ApiKeyNotFound,
    "credential_id_fkey": CredentialNotFound,
    "execution_id_fkey": ExecutionNotFound,
    "job_id_fkey": RetryJobNotFound,
    "problem_id_fkey": ProblemNotFound,
    "project_id_fkey": ProjectNotFound,
    "table_id_fkey": DataTableNotFound,
    "tag_id_fkey": TagNotFound,
    "user_id_fkey": UserNotFound,
    "workflow_id_fkey": WorkflowNotFound,
    "workflow_version": WorkflowNotFound,
}
"""What is not there, by how the name of a reference ends: somebody else may delete it at the same moment."""

BY_CONSTRAINT: dict[str, Callable[[], RepositoryError]] = {
    "tags_name_is_unique": lambda: AlreadyExists("Tag already exists"),
    "tags_pkey": lambda: AlreadyExists("Tag already exists"),
    "workflows_pkey": lambda: AlreadyExists("A workflow with this id already exists"),
    "variables_key_is_unique": lambda: AlreadyExists("There is a variable with this key already"),
    "users_email_is_unique": lambda: AlreadyExists("Another user has this e-mail address"),
    "data_tables_name_is_unique": lambda: AlreadyExists("The project has a data table with this name already"),
    "data_table_columns_name_is_unique": lambda: AlreadyExists("The data table has a column with this name already"),
    "projects_pkey": lambda: AlreadyExists("A project with this id already exists"),
    "views_name_is_unique": lambda: AlreadyExists("This API key has a view of this name already"),
    "webhooks_path_is_free": lambda: AlreadyExists("The address of a webhook is taken already"),
    "executions_one_retry_in_flight": lambda: CannotRetry("A retry of this execution is still in flight"),
}


def violation(constraint: str) -> Callable[[], RepositoryError] | None:
    """What it means that something violates this constraint; None where that is a fault of the program."""
    missing = next((kind for ending, kind in BY_REFERENCE.items() if constraint.endswith(f"_{ending}")), None)
    return BY_CONSTRAINT.get(constraint, missing)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn psycopg's errors about the data into domain errors; others (a lost connection) pass through."""
    try:
        yield
    except psycopg.IntegrityError as error:
        make = violation(error.diag.constraint_name or "")
        if make is None:
            raise
        raise make() from error
    except pg.IdleInTransactionSessionTimeout as error:
        # The server has ended the connection, as when it restarts: psycopg counts this under another kind.
        raise psycopg.OperationalError(str(error)) from error
    except (pg.UntranslatableCharacter, pg.CharacterNotInRepertoire, pg.InvalidTextRepresentation) as error:
        raise Invalid from error
    except pg.ProgramLimitExceeded as error:
        # It is no trouble of the server's, and trying again will not help.
        raise Invalid(TOO_LONG) from error
    except psycopg.DataError as error:
        # psycopg itself refuses NUL in a text before the server sees it; such errors carry no SQLSTATE.
        if error.sqlstate is not None:
            raise
        raise Invalid from error
