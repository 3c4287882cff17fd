"""An n8n that is older, or damaged: what it has comes, and what it has not got is told."""

import sqlite3

import psycopg
import pytest

from app.importing.n8n.open_source import Access
from app.importing.n8n.source import SourceError
from tests.importing import n8n
from tests.importing.n8n import change, one
from tests.postgres import cloned_database

YOUNGER_TABLES = (
    "annotation_tag_entity", "data_table", "data_table_column", "deployment_key", "execution_annotation_tags",
    "execution_annotations", "folder", "processed_data", "project", "user_api_keys", "workflow_history",
)  # fmt: skip
"""What 1.0 did not have."""
YOUNGER_COLUMNS = {
    "execution_entity": (
        "createdAt", "storedAt", "tracingContext", "deduplicationKey", "jsonSizeBytes", "workflowVersionId",
        "binaryDataSizeBytes", "usedPrivateCredentials", "deletedAt",
    ),
    "execution_data": ("workflowVersionId",),
    "workflow_entity": (
        "parentFolderId", "isArchived", "versionCounter", "description", "activeVersionId", "nodeGroups",
        "sourceWorkflowId", "meta",
    ),
    "shared_workflow": ("projectId", "role"),
    "shared_credentials": ("projectId", "role"),
    "variables": ("projectId",),
    "credentials_entity": ("isManaged", "isGlobal", "isResolvable", "resolverId", "usageScope"),
}  # fmt: skip


def make_older(execute):
    for table in YOUNGER_TABLES:
        execute(f"DROP TABLE {table}")
    for table, columns in YOUNGER_COLUMNS.items():
        for column in columns:
            execute(f'ALTER TABLE {table} DROP COLUMN "{column}"')
    execute("UPDATE execution_entity SET status = 'failed' WHERE status = 'error'")  # as it was called


@pytest.fixture(params=["sqlite", "postgresql"])
def older(request, sqlite_file, postgres_url):
    """An n8n 1.0."""
    if request.param == "sqlite":
        connection = sqlite3.connect(sqlite_file)
        with connection:
            make_older(connection.execute)
        connection.close()
        yield sqlite_file
        return
    with cloned_database(postgres_url, "template1") as url:
        n8n.fill_postgresql(url)
        with psycopg.connect(url) as connection:
            make_older(connection.execute)
        yield url


def test_what_an_older_n8n_has_comes_and_what_it_lacks_is_told(bring, target, older):
    for keep_projects in (True, False):
        report = bring(older, keep_projects=keep_projects, api_keys=True)
        told = [note for note in report.notes if note.startswith("This n8n")]
        assert len(told) == len(set(told)) == 15
        assert any("no table workflow_history: of each workflow the current version comes" in note for note in told)
        assert any("execution_entity has no column createdAt: executions are as old as" in note for note in told)
    statuses = dict(target.execute("SELECT id, status FROM executions").fetchall())
    assert statuses == {row["id"]: row["status"] for row in n8n.rows("execution_entity")}
    assert one(target, "SELECT count(*) FROM workflows") == (11,)
    ran = target.execute(
        "SELECT v.name FROM executions e JOIN workflow_versions v ON v.id = e.workflow_version_id WHERE e.id = 5"
    )
    names = {row["id"]: row["workflowId"] for row in n8n.rows("execution_entity")}
    there = {number: name for name, number in n8n.WORKFLOWS.items()}
    assert ran.fetchone() == (there[names[5]],)


def test_this_years_n8n_lacks_nothing(bring, sqlite_file):
    report = bring(sqlite_file)
    assert not [note for note in report.notes if note.startswith("This n8n")]


@pytest.mark.parametrize(
    ("table", "column"),
    [("workflow_history", "versionId"), ("tag_entity", "id"), ("variables", "key"), ("data_table_column", "name")],
)
def test_rows_without_their_keys_are_passed_over(bring, target, sqlite_file, table, column):
    change(sqlite_file, f'ALTER TABLE {table} DROP COLUMN "{column}"')
    report = bring(sqlite_file)
    assert f"Rows of n8n's table {table} without {column} were passed over." in report.notes
    assert one(target, "SELECT count(*) FROM executions") == (18,)


def test_a_value_that_postgresql_refuses_keeps_no_other_back(bring, target, sqlite_file):
    change(sqlite_file, "INSERT INTO variables (id, key, type, value) VALUES ('odd', '', 'string', 'x')")
    report = bring(sqlite_file)
    assert report.counts["variables"] == {"that cannot be kept": 1, "kept": 1}
    assert one(target, "SELECT count(*) FROM variables") == (1,)


def test_a_damaged_credential_keeps_no_other_back(bring, target, sqlite_file):
    first = next(n8n.rows("credentials_entity"))["id"]
    change(sqlite_file, "UPDATE credentials_entity SET data = 'damaged' WHERE id = ?", first)
    report = bring(sqlite_file)
    assert report.counts["credentials"] == {"stored": 1, "left behind": 1}
    assert any(first in note for note in report.notes)
    change(sqlite_file, "UPDATE credentials_entity SET data = 'damaged'")
    with pytest.raises(SourceError, match="cannot be decrypted"):
        bring(sqlite_file)


def test_columns_that_may_not_be_read_keep_no_others_back(bring, target, postgres_url):
    """As for a role that reads n8n's database without its secrets and notes."""
    with cloned_database(postgres_url, "template1") as url:
        n8n.fill_postgresql(url)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE ROLE reader_of_some_columns")
            connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_of_some_columns")
            for table, hidden in (("credentials_entity", "data"), ("execution_entity", "createdAt")):
                seen = ", ".join(f'"{column}"' for column in n8n.TABLES[table]["columns"] if column != hidden)
                connection.execute(f"REVOKE SELECT ON {table} FROM reader_of_some_columns")
                connection.execute(f"GRANT SELECT ({seen}) ON {table} TO reader_of_some_columns")
        report = bring(f"{url}{'&' if '?' in url else '?'}options=-c%20role%3Dreader_of_some_columns")
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP ROLE reader_of_some_columns")
    assert report.counts["credentials"] == {"left behind": 2}
    assert one(target, "SELECT count(*) FROM executions") == (18,)


def test_tables_that_may_not_be_read_are_told_and_what_could_not_come_later_is_refused(bring, target, postgres_url):
    with cloned_database(postgres_url, "template1") as url:
        n8n.fill_postgresql(url)
        reader = f"{url}{'&' if '?' in url else '?'}options=-c%20role%3Dreader_of_some_tables"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE reader_of_some_tables")
            grant = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_of_some_tables"
            advice = 'GRANT SELECT ON ALL TABLES IN SCHEMA "public" TO ...'
            without = "; only an import with --no-executions goes without it"
            refused = {"workflow_entity": "", "execution_entity": without, "execution_data": without}
            for table, otherwise in refused.items():
                connection.execute(grant)
                connection.execute(f"REVOKE SELECT ON {table} FROM reader_of_some_tables")
                for rehearse in (None, 1):
                    told = f"may not read the table {table}. Let it: {advice}{otherwise}$"
                    with pytest.raises(SourceError, match=told):
                        bring(reader, rehearse=rehearse)
            for table in ("workflows", "credentials", "data_tables", "executions"):
                assert one(target, f"SELECT count(*) FROM {table}") == (0,), "nothing came"
            bring(reader, executions=False)
            connection.execute(grant)
            connection.execute("REVOKE SELECT ON tag_entity FROM reader_of_some_tables")
            report = bring(reader)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP ROLE reader_of_some_tables")
    told = "n8n's table tag_entity may not be read with this role: workflows have no tags."
    assert told in report.notes
    assert one(target, "SELECT count(*) FROM executions") == (18,)


def test_data_above_the_bound_is_not_read(bring, target, postgres_url):
    with cloned_database(postgres_url, "template1") as url:
        n8n.fill_postgresql(url)
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE execution_data SET data = repeat('x', 3000000) WHERE \"executionId\" = 5")
        access = Access(key=n8n.KEY, most_bytes=2 * 2**20)
        report = bring(url, access=access, most_bytes=access.most_bytes)
    assert report.losses["data of more than 2 MiB is not brought (--largest)"] == [5]
    assert one(target, "SELECT count(*) FROM executions") == (18,)
