"""Credentials: secrets that workflows of a project name by id. Their data comes and goes encrypted."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from app.repository.connection import Connection
from app.repository.errors import CredentialNotFound


@dataclass(frozen=True, slots=True)
class Credential:
    """What may be known of a credential: all but what it holds."""

    id: str
    name: str
    type: str
    project_id: str
    created_at: datetime
    updated_at: datetime


LIST = """
    SELECT c.id, c.name, c.type, c.project_id, c.created_at, c.updated_at
      FROM credentials AS c
     WHERE c.id > %(after)s AND (%(project_id)s::text IS NULL OR c.project_id = %(project_id)s)
     ORDER BY c.id
     LIMIT %(limit)s
"""

GET = """
    SELECT c.id, c.name, c.type, c.project_id, c.created_at, c.updated_at
      FROM credentials AS c
     WHERE c.id = %(id)s AND (%(project_id)s::text IS NULL OR c.project_id = %(project_id)s)
"""

CREATE = """
    INSERT INTO credentials (id, name, type, project_id, data)
    VALUES (%(id)s, %(name)s, %(type)s, %(project_id)s, %(data)s)
    RETURNING id, name, type, project_id, created_at, updated_at
"""

# What is not named stays.
UPDATE = """
    UPDATE credentials AS c
       SET name = coalesce(%(name)s, c.name), data = coalesce(%(data)s, c.data), updated_at = now()
     WHERE c.id = %(id)s
    RETURNING c.id, c.name, c.type, c.project_id, c.created_at, c.updated_at
"""

DELETE = """
    DELETE FROM credentials AS c
     WHERE c.id = %(id)s AND (%(project_id)s::text IS NULL OR c.project_id = %(project_id)s)
    RETURNING c.id, c.name, c.type, c.project_id, c.created_at, c.updated_at
"""

DATA_IN_PROJECT = """
    SELECT c.data
      FROM credentials AS c
     WHERE c.project_id = %(project_id)s AND c.id = %(id)s AND c.type = %(type)s
"""

# An execution reaches the credentials of its own project only.
DATA_FOR_EXECUTION = """
    SELECT c.data
      FROM executions AS e
      JOIN credentials AS c ON c.project_id = e.project_id
     WHERE e.id = %(execution_id)s AND c.id = %(id)s AND c.type = %(type)s
"""


def list_credentials(
    connection: Connection, *, limit: int, after: str = "", project_id: str | None = None
) -> list[Credential]:
    """At most `limit` credentials of the project (None: of all) in the order of their ids, those after `after`."""
    with connection.cursor(row_factory=class_row(Credential)) as cursor:
        return cursor.execute(LIST, {"limit": limit, "after": after, "project_id": project_id}).fetchall()


def get_credential(connection: Connection, credential_id: str, *, project_id: str | None = None) -> Credential:
    """The credential with this id. Raises CredentialNotFound, also when it belongs to another project."""
    return one(connection, GET, id=credential_id, project_id=project_id)


def create_credential(
    connection: Connection, credential_id: str, *, name: str, type: str, project_id: str, data: bytes
) -> Credential:
    """Store a credential whose data is encrypted already. Raises ProjectNotFound (when translated)."""
    return one(connection, CREATE, id=credential_id, name=name, type=type, project_id=project_id, data=data)


def update_credential(
    connection: Connection, credential_id: str, *, name: str | None = None, data: bytes | None = None
) -> Credential:
    """Give a credential another name or other (encrypted) data; None: as it was. Raises CredentialNotFound."""
    return one(connection, UPDATE, id=credential_id, name=name, data=data)


def delete_credential(connection: Connection, credential_id: str, *, project_id: str | None = None) -> Credential:
    """Delete a credential; returns what it was. Raises CredentialNotFound."""
    return one(connection, DELETE, id=credential_id, project_id=project_id)


def data_in_project(connection: Connection, project_id: str, credential_id: str, type: str) -> bytes | None:
    """The encrypted data of a credential of this project and type; None when there is none with this id."""
    where = {"project_id": project_id, "id": credential_id, "type": type}
    row = connection.execute(DATA_IN_PROJECT, where).fetchone()
    return None if row is None else bytes(row[0])


def data_for_execution(connection: Connection, execution_id: int, credential_id: str, type: str) -> bytes | None:
    """The encrypted data of a credential of this type; None when the execution's project has none with this id."""
    row = connection.execute(
        DATA_FOR_EXECUTION, {"execution_id": execution_id, "id": credential_id, "type": type}
    ).fetchone()
    return None if row is None else bytes(row[0])


def one(connection: Connection, statement: str, **parameters: object) -> Credential:
    """The credential that a statement names. Raises CredentialNotFound."""
    with connection.cursor(row_factory=class_row(Credential)) as cursor:
        credential = cursor.execute(statement, parameters).fetchone()
    if credential is None:
        raise CredentialNotFound
    return credential
