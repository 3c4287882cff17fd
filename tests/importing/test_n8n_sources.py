"""Every kind of source brings the same; none of them is changed."""

import hashlib
import json
import os
import re
import sqlite3
import sys
import zipfile
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from app.importing.n8n import api_client
from app.importing.n8n.api_client import ATTEMPTS
from app.importing.n8n.files_of_runs import RunFiles
from app.importing.n8n.moves import access_of
from app.importing.n8n.open_source import Access, open_source
from app.importing.n8n.source import SourceError
from app.importing.n8n.sqlite import SqliteSource
from app.importing.workflow_files import InvalidFile, import_file
from tests.importing import n8n
from tests.postgres import cloned_database

COUNTS = {
    "workflows": "SELECT count(*) FROM workflows",
    "executions": "SELECT count(*) FROM executions",
    "data": "SELECT count(*) FROM execution_data",
    "credentials": "SELECT count(*) FROM credentials",
    "waiting": "SELECT count(*) FROM imported_waits",
    "metadata": "SELECT count(*) FROM execution_metadata",
    "tagged": "SELECT count(*) FROM execution_tags",
    "history": "SELECT count(*) FROM deduplication_values",
    "variables": "SELECT count(*) FROM variables",
}
ALL = {
    "workflows": 11,
    "executions": 18,
    "data": 18,
    "credentials": 2,
    "waiting": 2,
    "metadata": 6,
    "tagged": 1,
    "history": 4,
    "variables": 1,
}


def counts(connection):
    return {name: connection.execute(query).fetchone()[0] for name, query in COUNTS.items()}


def test_a_sqlite_file(bring, target, sqlite_file):
    before = hashlib.sha256(sqlite_file.read_bytes()).digest()
    report = bring(sqlite_file, access=Access(key=n8n.KEY, storage=sqlite_file.parent / "storage"))
    assert counts(target) == ALL
    assert report.losses == {}
    assert hashlib.sha256(sqlite_file.read_bytes()).digest() == before


def test_an_n8n_without_a_write_ahead_log_can_write_while_its_file_is_read(bring, target, tmp_path, monkeypatch):
    """As those before 2.0 had it: who reads for long keeps all others from writing."""
    monkeypatch.setattr("app.importing.n8n.sqlite.IDS_IN_PIECE", 5)
    monkeypatch.setattr("app.importing.n8n.sqlite.ROWS_IN_PIECE", 2)
    path = n8n.make_sqlite(tmp_path / "n8n", journal="delete")
    source, writer = SqliteSource(path, RunFiles(None, 2**20)), sqlite3.connect(path, timeout=0)
    with closing(source), closing(writer):
        for read in (source.rows("workflow_entity"), source.named([11]), source.executions(0)):
            next(read)
            with writer:
                writer.execute("UPDATE workflow_entity SET name = name")
        assert [each.id for each in source.named([2, 1])] == [1, 2]
    report = bring(path, access=Access(key=n8n.KEY, storage=path.parent / "storage"))
    assert (counts(target), report.losses) == (ALL, {})
    assert [note for note in report.notes if "it is read piece by piece" in note]


@pytest.mark.parametrize(("schema", "prefix"), [("public", ""), ("flows", "n8n_")])
def test_a_postgresql(bring, target, postgres_url, schema, prefix):
    with cloned_database(postgres_url, "template1") as source:
        n8n.fill_postgresql(source, schema=schema, prefix=prefix)
        report = bring(source, access=Access(key=n8n.KEY, schema=schema, prefix=prefix))
    assert counts(target) == ALL
    assert [len(ids) for ids in report.losses.values()] == [1]  # the file: no storage folder was named


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "zip"])
def test_what_is_read_when_an_import_is_stopped_says_nothing_later(tmp_path, postgres_url, monkeypatch, kind):
    """A stop unwinds to whoever closes the source; what was reading it is given up after that."""
    said = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    with ExitStack() as stack:
        match kind:
            case "sqlite":
                name = str(n8n.make_sqlite(tmp_path / "n8n"))
            case "zip":
                name = str(n8n.make_entities(tmp_path / "entities.zip"))
            case _:
                name = stack.enter_context(cloned_database(postgres_url, "template1"))
                n8n.fill_postgresql(name)
        for read in (lambda source: source.rows("workflow_entity"), lambda source: source.executions(0)):
            source = open_source([name], Access(key=n8n.KEY))
            under_way = read(source)
            next(under_way)
            source.close()
            del under_way
    assert said == []


def test_a_zip_file_of_entities(bring, target, tmp_path):
    bring(n8n.make_entities(tmp_path / "entities.zip"))
    assert counts(target) == ALL


def test_a_damaged_line_of_a_zip_file_keeps_the_others(bring, target, tmp_path):
    path = n8n.make_entities(tmp_path / "entities.zip")
    with zipfile.ZipFile(path, "a") as archive:
        lines = ["no base64", n8n.encrypt_cbc("{", n8n.KEY), n8n.encrypt_cbc('5\n{"id": "more", "name": "m"}', n8n.KEY)]
        archive.writestr("../../tagentity.9.jsonl", "\n".join(lines) + "\n\xff")
    report = bring(path)
    assert counts(target) == ALL
    assert [re.sub("[^0-9]", "", note)[:1] for note in report.notes if "damaged" in note] == ["1", "2", "4"]
    assert target.execute("SELECT 1 FROM tags WHERE id = 'more'").fetchone() == (1,)


def test_exported_files(bring, target, tmp_path):
    workflows, credentials = tmp_path / "workflows.json", tmp_path / "credentials.json"
    odd = [
        {"name": "No id", "nodes": [], "connections": {}},
        {"id": "odd", "name": "\ud800", "nodes": -1, "connections": 1, "tags": 1},
        {
            "id": "deep",
            "nodes": [json.loads("[" * 300 + "]" * 300)],
            "connections": {},
            "tags": [{"id": "t", "name": "t"}],
        },
        5,
    ]
    workflows.write_text(json.dumps([*odd, *n8n.exported_workflows()]))
    credentials.write_text(json.dumps(list(n8n.rows("credentials_entity"))))
    report = bring(workflows, credentials)
    assert any("without an id, 'No id'" in note for note in report.notes)
    assert {"odd", "deep"} <= {each.id for each in report.workflows}
    target.execute("DELETE FROM workflows AS w WHERE w.id = 'odd'")
    assert (counts(target)["workflows"], counts(target)["executions"]) == (11, 0)


@pytest.mark.parametrize("made", ["sqlite", "postgresql", "zip"])
def test_a_wrong_key_is_told_and_nothing_is_brought(bring, target, tmp_path, postgres_url, made):
    with cloned_database(postgres_url, "template1") as url:
        if made == "postgresql":
            n8n.fill_postgresql(url)
        source = {
            "sqlite": lambda: n8n.make_sqlite(tmp_path / "n8n"),
            "postgresql": lambda: url,
            "zip": lambda: n8n.make_entities(tmp_path / "entities.zip"),
        }[made]()
        with pytest.raises(SourceError, match="key"):
            bring(source, key="another key")
    assert set(counts(target).values()) == {0}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"SQLite format 3\0" + b"x" * 100, "n8n's database"),
        (b"PK\x03\x04broken", "export of n8n"),
        (b"PK\x05\x06" + bytes(18), "holds no workflows"),
        (b"not JSON", "is not JSON"),
        (b'[{"a": 1}]', "neither a workflow nor a credential"),
        (b'{"name": "x", "nodes": [], "connections": {}}', "without an id"),
    ],
)
def test_what_is_no_source_is_told(bring, tmp_path: Path, content, said):
    path = tmp_path / "source"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=said):
        bring(path)


@pytest.mark.parametrize(
    "damage",
    [
        "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) "
        "VALUES ('table', 'x', 'x', 0, 'CREATE VIRTUAL TABLE x USING nosuch(a)')",
        "UPDATE sqlite_master SET name = x'ff00'",
    ],
)
def test_a_sqlite_file_with_odd_tables_is_told(bring, tmp_path: Path, damage: str):
    path = tmp_path / "database.sqlite"
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE workflow_entity (id, name)")
        made.execute("PRAGMA writable_schema = on")
        made.execute(damage)
        made.commit()
    with pytest.raises(SourceError, match="cannot be read as n8n's database"):
        bring(path)


def test_what_has_no_end_is_not_read(bring, connection, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for endless in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(SourceError, match="no file but a pipe"):
            bring(endless)
        with pytest.raises(InvalidFile, match="no file but a pipe"):
            import_file(connection, endless, project_id="default")
        given = {"encryption_key_file": None, "storage": None, "api_key_file": endless}
        with pytest.raises(SourceError, match="no file but a pipe"):
            access_of(given, {}, ["http://n8n.example.com"])


def test_a_folder_and_a_database_of_something_else_are_told(bring, database_url, tmp_path):
    with pytest.raises(SourceError, match=r"database\.sqlite"):
        bring(tmp_path)
    with pytest.raises(SourceError, match="workflow_entity"):
        bring(database_url)
    with pytest.raises(SourceError, match="cannot be reached"):
        bring("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(SourceError, match="percent-encoded") as told:
        bring("postgresql://nobody:s3@cret@127.0.0.1:1/none")
    assert "cret" not in str(told.value)
    with pytest.raises(SourceError, match="N8N_API_KEY"):
        bring("http://127.0.0.1:1")


@pytest.mark.parametrize("begins", [b"SQLite format 3\0", b"PK\x03\x04"])
def test_an_n8n_is_told_from_a_file_of_workflows(connection, tmp_path, begins):
    (tmp_path / "database").write_bytes(begins + b"\xa2")
    with pytest.raises(InvalidFile, match="is no file of workflows: `flask import n8n SOURCE`"):
        import_file(connection, tmp_path / "database", project_id="default")


@pytest.mark.parametrize(("answered", "asked"), [(0, 1), (1, 1 + ATTEMPTS)])
def test_where_nobody_ever_listened_is_asked_once(monkeypatch, bring, answered, asked):
    calls = []

    def send(self, request, **kwargs):
        calls.append(request)
        if len(calls) > answered:
            raise httpx.ConnectError("Connection refused")
        return httpx.Response(200, json={"data": [], "nextCursor": None}, request=request)

    monkeypatch.setattr(httpx.Client, "send", send)
    monkeypatch.setattr(api_client, "MAX_WAIT", 0)
    with pytest.raises(SourceError, match="does not answer: Connection refused"):
        bring("http://127.0.0.1:1", access=Access(api_key="x"))
    assert len(calls) == asked


def test_an_n8n_before_1_0_is_told(bring, sqlite_file):
    import sqlite3

    with sqlite3.connect(sqlite_file) as connection:
        connection.execute("DELETE FROM migrations WHERE name LIKE 'MigrateIntegerKeysToString%'")
    with pytest.raises(SourceError, match=r"older than n8n 1\.0"):
        bring(sqlite_file)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "^SOURCE is empty: name n8n's database"),
        ("folder", r"folder is a folder: name n8n's database.sqlite, .* or JSON files \(.*folder/\*.json\)$"),
    ],
)
def test_what_is_no_source_is_told_with_what_would_be(tmp_path, name, said):
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match=said):
        open_source([str(tmp_path / name) if name else ""], Access())


@pytest.mark.parametrize("option", ["encryption_key_file", "api_key_file"])
@pytest.mark.parametrize(
    ("content", "why"), [(None, "Is a directory"), (b"\xff", "it is no text in UTF-8")], ids=["folder", "bytes"]
)
def test_a_file_of_a_key_that_cannot_be_read_is_told_plainly(tmp_path, option, content, why):
    path = tmp_path / "key"
    path.mkdir() if content is None else path.write_bytes(content)
    given = dict.fromkeys(("encryption_key_file", "storage", "api_key_file")) | {option: path}
    with pytest.raises(SourceError, match=f"^{path} cannot be read: {why}$"):
        access_of(given, {}, ["database.sqlite"])
