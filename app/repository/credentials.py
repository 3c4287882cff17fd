"""Credentials: secrets that workflows of a project name by id. Their data comes and goes encrypted."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from app.repository.connection import Connection, read_one
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


@dataclass(frozen=True, slots=True)
class Secret:
    """What a credential holds, encrypted, and the id of the key for it; None in rows of the first release."""

    data: bytes
    key_id: str | None


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """The secret of one credential, with what it is bound to."""

    id: str
    type: str
    data: bytes
    key_id: str | None

    @property
    def secret(self) -> Secret:
        """The encrypted data with the id of its key."""
        return Secret(self.data, self.key_id)


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

FIND_LIKE = """
    SELECT c.id, c.name, c.type, c.project_id, c.created_at, c.updated_at
      FROM credentials AS c
     WHERE c.project_id = %(project_id)s AND c.type = %(type)s
       AND (%(name)s::text IS NULL OR c.name = %(name)s)
     ORDER BY c.updated_at DESC, c.id
     LIMIT 1
"""

CREATE = """
    INSERT INTO credentials (id, name, type, project_id, data, key_id)
    VALUES (%(id)s, %(name)s, %(type)s, %(project_id)s, %(data)s, %(key_id)s)
    RETURNING id, name, type, project_id, created_at, updated_at
"""

# What is not named stays.
UPDATE = """
    UPDATE credentials AS c
       SET name = coalesce(%(name)s, c.name), type = coalesce(%(type)s, c.type), data = coalesce(%(data)s, c.data),
           key_id = coalesce(%(key_id)s, c.key_id), updated_at = now()
     WHERE c.id = %(id)s
    RETURNING c.id, c.name, c.type, c.project_id, c.created_at, c.updated_at
"""

TRANSFER = """
    UPDATE credentials AS c
       SET project_id = %(destination)s, updated_at = now()
     WHERE c.id = %(id)s AND (%(project_id)s::text IS NULL OR c.project_id = %(project_id)s)
    RETURNING c.id, c.name, c.type, c.project_id, c.created_at, c.updated_at
"""

DELETE = """
    DELETE FROM credentials AS c
     WHERE c.id = %(id)s AND (%(project_id)s::text IS NULL OR c.project_id = %(project_id)s)
    RETURNING c.id, c.name, c.type, c.project_id, c.created_at, c.updated_at
"""

SECRET_IN_PROJECT = """
    SELECT c.data, c.key_id
      FROM credentials AS c
     WHERE c.project_id = %(project_id)s AND c.id = %(id)s AND c.type = %(type)s
"""

# A save at the same moment is waited for, and seen.
UNDER_OTHER_KEYS = """
    SELECT c.id, c.type, c.data, c.key_id
      FROM credentials AS c
     WHERE c.id > %(after)s AND c.key_id IS DISTINCT FROM %(key_id)s
     ORDER BY c.id
     LIMIT %(limit)s
       FOR NO KEY UPDATE
"""

REENCRYPT = """
    UPDATE credentials AS c
       SET data = %(data)s, key_id = %(key_id)s
     WHERE c.id = %(id)s
"""

ONE_OF_EACH_KEY = """
    SELECT DISTINCT ON (c.key_id) c.id, c.type, c.data, c.key_id
      FROM credentials AS c
     ORDER BY c.key_id, c.updated_at DESC
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


def find_like(connection: Connection, *, project_id: str, type: str, name: str | None) -> Credential:
    """The project's credential of this type and name (None: any) that was changed last. Raises CredentialNotFound."""
    return one(connection, FIND_LIKE, project_id=project_id, type=type, name=name)


def create_credential(
    connection: Connection, credential_id: str, *, name: str, type: str, project_id: str, secret: Secret
) -> Credential:
    """Store a credential. Raises ProjectNotFound (when translated)."""
    values = {"id": credential_id, "name": name, "type": type, "project_id": project_id}
    return one(connection, CREATE, **values, data=secret.data, key_id=secret.key_id)


def transfer_credential(
    connection: Connection, credential_id: str, destination: str, *, project_id: str | None = None
) -> Credential:
    """Let a credential belong to another project. Raises CredentialNotFound, ProjectNotFound (when translated)."""
    return one(connection, TRANSFER, id=credential_id, destination=destination, project_id=project_id)


def update_credential(
    connection: Connection,
    credential_id: str,
    *,
    name: str | None = None,
    type: str | None = None,
    secret: Secret | None = None,
) -> Credential:
    """Give a credential another name, or another secret, of another type even; None: as it was.

    The type is bound into the secret, so that one never comes without the other. Raises CredentialNotFound.
    """
    data, key_id = (None, None) if secret is None else (secret.data, secret.key_id)
    return one(connection, UPDATE, id=credential_id, name=name, type=type, data=data, key_id=key_id)


def delete_credential(connection: Connection, credential_id: str, *, project_id: str | None = None) -> Credential:
    """Delete a credential; returns what it was. Raises CredentialNotFound."""
    return one(connection, DELETE, id=credential_id, project_id=project_id)


def secret_in_project(connection: Connection, project_id: str, credential_id: str, type: str) -> Secret | None:
    """The secret of a credential of this project and type; None when there is none with this id."""
    where = {"project_id": project_id, "id": credential_id, "type": type}
    with connection.cursor(row_factory=class_row(Secret)) as cursor:
        return cursor.execute(SECRET_IN_PROJECT, where).fetchone()


def under_other_keys(connection: Connection, key_id: str, *, after: str, limit: int) -> list[StoredSecret]:
    """At most `limit` secrets that are under another key, in the order of ids; locked until the transaction ends."""
    with connection.cursor(row_factory=class_row(StoredSecret)) as cursor:
        return cursor.execute(UNDER_OTHER_KEYS, {"key_id": key_id, "after": after, "limit": limit}).fetchall()


def reencrypt(connection: Connection, credential_id: str, secret: Secret) -> None:
    """Store the same secret under another key; nobody has changed the credential by that."""
    connection.execute(REENCRYPT, {"id": credential_id, "data": secret.data, "key_id": secret.key_id})


def one_of_each_key(connection: Connection) -> list[StoredSecret]:
    """For each key in use, the secret that was saved last."""
    with connection.cursor(row_factory=class_row(StoredSecret)) as cursor:
        return cursor.execute(ONE_OF_EACH_KEY).fetchall()


def one(connection: Connection, statement: str, **parameters: object) -> Credential:
    """The credential that a statement names. Raises CredentialNotFound."""
    return read_one(connection, class_row(Credential), statement, parameters, CredentialNotFound)
