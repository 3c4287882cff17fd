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
        return str(self.args[0])


class NotFound(RepositoryError):
    """There is no such object within what the caller may see."""


class ExecutionNotFound(NotFound):
    default = "Execution not found"


class NodeDataNotFound(NotFound):
    default = "The node did not run"


class DeletionJobNotFound(NotFound):
    default = "Deletion job not found"


class ProblemNotFound(NotFound):
    default = "Problem not found"


class RetryJobNotFound(NotFound):
    default = "Retry job not found"


class ViewNotFound(NotFound):
    default = "View not found"


class WorkflowNotFound(NotFound):
    default = "Workflow not found"


class VersionNotFound(NotFound):
    default = "Version not found"


class TagNotFound(NotFound):
    default = "Tag not found"


class ProjectNotFound(NotFound):
    default = "Project not found"


class CredentialNotFound(NotFound):
    default = "Credential not found"


class CredentialTypeNotFound(NotFound):
    default = "Credential type not found"


class VariableNotFound(NotFound):
    default = "Variable not found"


class UserNotFound(NotFound):
    default = "User not found"


class DataTableNotFound(NotFound):
    default = "Data table not found"


class DataTableColumnNotFound(NotFound):
    default = "Data table column not found"


class ApiKeyNotFound(NotFound):
    default = "API key not found"


class NodePackageNotFound(NotFound):
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
    default = "Cannot delete a running execution"


class Invalid(RepositoryError):
    """A value that PostgreSQL cannot hold, such as a text with a NUL character."""

    default = "A value in the request cannot be stored"


class IdempotencyKeyReused(RepositoryError):
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
        # Too long for an index, say. It is no trouble of the server's, and trying again will not help.
        raise Invalid from error
    except psycopg.DataError as error:
        # psycopg itself refuses NUL in a text before the server sees it; such errors carry no SQLSTATE.
        if error.sqlstate is not None:
            raise
        raise Invalid from error
