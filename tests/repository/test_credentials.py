"""Credentials in the database: whose they are, and who reads their data."""

from uuid import UUID

import psycopg
import pytest

from app.repository import credentials, oauth, projects
from app.repository.connection import Connection
from app.repository.credentials import Secret
from app.repository.errors import CredentialNotFound, StillInUse


def a_credential(connection: Connection, credential_id: str = "c1", project_id: str = "default") -> None:
    credentials.create_credential(
        connection,
        credential_id,
        name="Service",
        type="httpBasicAuth",
        project_id=project_id,
        secret=Secret(b"\x01secret", "k"),
    )
    connection.commit()


def test_a_project_sees_its_own_only(connection) -> None:
    projects.create_project(connection, "p2", "Second")
    a_credential(connection, "c1")
    a_credential(connection, "c2", "p2")
    assert [c.id for c in credentials.list_credentials(connection, limit=9)] == ["c1", "c2"]
    assert [c.id for c in credentials.list_credentials(connection, limit=9, project_id="p2")] == ["c2"]
    with pytest.raises(CredentialNotFound):
        credentials.get_credential(connection, "c1", project_id="p2")
    with pytest.raises(CredentialNotFound):
        credentials.delete_credential(connection, "c1", project_id="p2")


def test_a_secret_is_read_in_its_project_and_by_its_type(connection) -> None:
    projects.create_project(connection, "p2", "Second")
    a_credential(connection)
    assert credentials.secret_in_project(connection, "default", "c1", "httpBasicAuth") == Secret(b"\x01secret", "k")
    assert credentials.secret_in_project(connection, "default", "c1", "smtp") is None
    assert credentials.secret_in_project(connection, "p2", "c1", "httpBasicAuth") is None
    holder = UUID(int=1)
    assert oauth.hold_renewal(connection, "p2", "c1", "httpBasicAuth", holder=holder, seconds=9) is None
    assert oauth.hold_renewal(connection, "default", "c1", "smtp", holder=holder, seconds=9) is None


def test_an_update_leaves_what_it_does_not_name(connection) -> None:
    a_credential(connection)
    credentials.update_credential(connection, "c1", name="Other")
    changed = credentials.update_credential(connection, "c1", secret=Secret(b"\x01new", "l"))
    assert changed.name == "Other"
    assert connection.execute("SELECT data, key_id FROM credentials").fetchone() == (b"\x01new", "l")


def test_a_project_with_credentials_stays(connection) -> None:
    projects.create_project(connection, "p2", "Second")
    a_credential(connection, project_id="p2")
    with pytest.raises(StillInUse):
        projects.delete_project(connection, "p2")


def test_an_empty_id_is_refused(connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        a_credential(connection, "")
