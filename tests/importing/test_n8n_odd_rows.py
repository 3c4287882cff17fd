"""Damage at the source: what is odd is told, and keeps nothing else back."""

import json
import os
import sqlite3
import zipfile
from base64 import urlsafe_b64encode
from contextlib import closing
from decimal import Decimal
from itertools import count, product
from pathlib import Path

import psycopg
import pytest

from app.importing.n8n import api_keys
from app.importing.n8n.files_of_runs import RunFiles
from app.importing.n8n.history import batches
from app.importing.n8n.known_tables import has_number
from app.importing.n8n.open_source import Access
from app.importing.n8n.sentences import MORE, MOST, Sentences
from app.importing.n8n.source import MAX_MIGRATIONS, SourceError, SourceExecution, newest_migration
from app.importing.n8n.spool import Spool
from tests.importing import n8n
from tests.postgres import cloned_database

ORDERS, FAILS = n8n.WORKFLOWS["Move: orders"], n8n.WORKFLOWS["Move: fails"]
DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000


def change(path, *statements):
    connection = sqlite3.connect(path)
    with connection:
        for statement, *values in statements:
            connection.execute(statement, values)
    connection.close()


def test_values_that_are_not_of_their_kind_keep_nothing_back(bring, target, sqlite_file):
    change(
        sqlite_file,
        ("UPDATE execution_entity SET startedAt = 'yesterday', stoppedAt = '0001-01-01T00:00:00+14:00' WHERE id = 5",),
        ("UPDATE execution_entity SET createdAt = '', waitTill = 17 WHERE id = 6",),
        ("UPDATE workflow_entity SET settings = 'broken', createdAt = '9999-99-99' WHERE id = ?", FAILS),
        ("UPDATE workflow_entity SET pinData = ? WHERE id = ?", DEEP, ORDERS),
        ("UPDATE workflow_entity SET meta = CAST(x'22ff22' AS TEXT) WHERE id = ?", ORDERS),
        ("UPDATE credentials_entity SET updatedAt = 'never'",),
    )
    report = bring(sqlite_file)
    assert n8n.one(target, "SELECT count(*) FROM executions") == (18,)
    assert n8n.one(target, "SELECT count(*) FROM workflows") == (11,)
    assert report.losses["its startedAt cannot be read"] == [5]
    assert report.losses["its createdAt cannot be read"] == [6]
    findings = {each.id: " ".join(each.findings) for each in report.workflows}
    assert "has settings that cannot be read" in findings[FAILS]
    assert "has pinData that cannot be read" in findings[ORDERS]
    assert {
        name: workflow_id for workflow_id, name in target.execute("SELECT id, name FROM workflows")
    } == n8n.WORKFLOWS
    created = [row[0] for row in target.execute("SELECT created_at FROM executions ORDER BY id")]
    assert created == sorted(created)


ODD = (None, "", -1, "a\0b", b"\xff\xfe", "[null]")
UNIQUE = {"annotation_tag_entity": "name", "data_table": "name", "tag_entity": "name", "variables": "key"}


def add_odd_rows(connection, table, first):
    """For each column and each odd value a copy of the table's first row that holds it; `first` numbers them."""
    columns, numbers = n8n.TABLES[table]["columns"], count(first)
    key = next(iter(columns))
    for column, value in product(columns, ODD):
        number = next(numbers)
        own = {key: number if columns[key] == "integer" else f"odd{number}"}
        if (unique := UNIQUE.get(table)) is not None:
            own[unique] = f"odd_{number}"
        n8n.add_row(connection, table, next(n8n.rows(table)) | own | {column: value})
        if table == "execution_entity":
            n8n.add_row(connection, "execution_data", next(n8n.rows("execution_data")) | {"executionId": number})
        elif table == "execution_data":
            its_row = {"id": number, "workflowVersionId": None}
            n8n.add_row(connection, "execution_entity", next(n8n.rows("execution_entity")) | its_row)
    return next(numbers)


def test_an_odd_value_in_any_column_keeps_nothing_back(bring, target, sqlite_file):
    first = 1000
    with closing(sqlite3.connect(sqlite_file)) as connection, connection:
        for table in n8n.TABLES:
            if table != "migrations" and n8n.TABLES[table]["rows"]:
                first = add_odd_rows(connection, table, first)
    report = bring(sqlite_file, keep_projects=True, api_keys=True)
    n8n.check_brought(target)
    assert report.losses["it names no workflow"]


def test_a_time_in_the_future_and_a_huge_id_move_nothing_else(bring, target, sqlite_file):
    change(
        sqlite_file,
        ("UPDATE execution_entity SET createdAt = '9000-01-01 00:00:00', startedAt = createdAt WHERE id = 5",),
        (
            "INSERT INTO execution_entity (id, finished, mode, status, startedAt, workflowId)"
            " VALUES (9223372036854775807, 1, 'manual', 'success', '2026-11-28 10:00:01', ?)",
            ORDERS,
        ),
    )
    report = bring(sqlite_file)
    assert n8n.one(target, "SELECT max(created_at) < '8000-01-01' FROM executions") == (True,)
    assert n8n.one(target, "SELECT highest_id FROM imports") == (max(n8n.EXECUTIONS),)
    assert "its id is too large" in report.losses


def test_times_that_postgresql_has_and_python_has_not(bring, target, postgres_url):
    with cloned_database(postgres_url, "template1") as source:
        n8n.fill_postgresql(source)
        with psycopg.connect(source) as connection:
            connection.execute("UPDATE execution_entity SET \"startedAt\" = 'infinity' WHERE id = 5")
            connection.execute("UPDATE execution_entity SET \"stoppedAt\" = '20000-01-01' WHERE id = 6")
            connection.execute("UPDATE workflow_entity SET \"createdAt\" = '0044-03-15 BC'")
            connection.execute("ALTER DATABASE " + connection.info.dbname + " SET statement_timeout = '1h'")
        report = bring(source, access=Access(key=n8n.KEY))
    assert n8n.one(target, "SELECT count(*) FROM executions") == (18,)
    assert report.losses["its startedAt cannot be read"] == [5]


def test_executions_whose_ids_are_no_numbers_are_passed_over(bring, target, postgres_url):
    with cloned_database(postgres_url, "template1") as source:
        n8n.fill_postgresql(source)
        with psycopg.connect(source) as connection:
            connection.execute("ALTER TABLE execution_entity ALTER id TYPE float8")
            connection.execute("UPDATE execution_entity SET id = 'NaN' WHERE id = 5")
        report = bring(source, access=Access(key=n8n.KEY))
    assert n8n.one(target, "SELECT count(*) FROM executions") == (17,)
    assert "An execution with the id nan was passed over." in report.notes


def test_a_table_of_migrations_without_an_end_is_read_to_a_bound():
    class Endless:
        def rows(self, table):
            return ({"name": f"M{number}", "timestamp": number} for number in count())

    assert newest_migration(Endless()) == f"M{MAX_MIGRATIONS - 1}"


def test_of_many_odd_ids_a_few_are_named():
    remarks = Sentences()
    odd = (True, None, "1", float("inf"), [1], *(n + 0.5 for n in range(50)))
    assert not any(has_number({"id": each}, remarks) for each in odd)
    assert has_number({"id": Decimal(7)}, remarks)
    assert len(remarks) == 21
    assert remarks[-1] == "More executions whose ids are no whole numbers were passed over."


def test_a_database_that_breaks_off_is_told(bring, sqlite_file):
    os.truncate(sqlite_file, sqlite_file.stat().st_size // 2)
    with pytest.raises(SourceError, match="cannot be read"):
        bring(sqlite_file)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:se%zzcret@localhost/n8n",
        "postgresql://u:secret@localhost/n8n?secret=1",
        "mysql://u:secret@h/n8n",
    ],
)
def test_a_password_is_in_no_message(bring, address):
    with pytest.raises(SourceError) as raised:
        bring(address)
    assert "cret" not in str(raised.value)


def test_a_second_n8n_with_the_same_ids_is_told(bring, target, sqlite_file, tmp_path):
    bring(sqlite_file)
    other = n8n.make_sqlite(tmp_path / "other")
    change(other, ("UPDATE execution_entity SET workflowId = 'another' WHERE id = 5",))
    report = bring(other)
    assert [ids for reason, ids in report.losses.items() if "another execution" in reason] == [[5]]


def test_a_source_is_the_same_from_wherever_it_is_named(bring, target, sqlite_file, monkeypatch):
    bring(sqlite_file)
    monkeypatch.chdir(sqlite_file.parent)
    bring(Path("database.sqlite"))
    assert n8n.one(target, "SELECT count(*) FROM imports") == (1,)


def test_a_zip_file_that_unpacks_to_much_is_refused(bring, tmp_path):
    path = tmp_path / "entities.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("workflowentity.jsonl", b"A" * 2**24)
    with pytest.raises(SourceError, match="packed tighter"):
        bring(path)


def test_a_zip_file_whose_entries_lie_within_each_other_is_refused(bring, tmp_path):
    path = tmp_path / "entities.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("workflowentity.jsonl", b"A" * 2**10)
        archive.filelist += archive.filelist * 2
    with pytest.raises(SourceError, match="names more than it holds"):
        bring(path)


def test_only_files_within_the_storage_folder_are_read(tmp_path):
    folder = tmp_path / "storage"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe")
    files = RunFiles(folder, 100)
    assert [files.read_path(name) for name in ("link", "../secret", "pipe", "nothing", "nul\0")] == [None] * 5


def test_large_rows_share_no_batch():
    rows = [SourceExecution({"id": number}, flatted="x" * size) for number, size in enumerate((1, 5, 5, 9, 2, 2))]
    sizes = [[len(row.flatted) for row in batch] for batch in batches(iter(rows), most_bytes=8)]
    assert sizes == [[1, 5], [5], [9], [2, 2]]


def test_a_disk_without_room_is_told():
    with closing(Spool(RunFiles(None, 1))) as spool:
        assert not spool._path.exists()  # nothing stays of it when it is killed
        spool._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(SourceError, match="Make room, or set TMPDIR"):
            spool.add("tag_entity", {"id": 1, "name": "x" * 2**20})


@pytest.mark.parametrize("end", [1e300, -1e300, 10**18, "soon"])
def test_a_key_whose_end_no_calendar_has_never_ends(end):
    told = [{"alg": "HS256"}, {"exp": end}]
    parts = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in told]
    assert api_keys._expiry(".".join([*parts, "c2ln"])) is None


def test_what_is_said_is_bounded_and_looked_up_in_no_list() -> None:
    class Counted(str):
        compared = 0

        def __eq__(self, other: object) -> bool:
            Counted.compared += 1
            return super().__eq__(other)

        __hash__ = str.__hash__

    said = Sentences()
    for number in (*range(MOST + 5), 7):
        said.add(Counted(f"Row {number} was passed over."))
    assert (len(said), said[0], said[-1]) == (MOST + 1, "Row 0 was passed over.", MORE)
    assert Counted.compared < MOST
