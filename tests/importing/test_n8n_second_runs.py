"""A second run brings what is new, leaves what was changed here, and mixes nothing."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from unittest.mock import Mock
from uuid import UUID

import pytest

from app.importing.n8n import history, importer
from app.importing.n8n.moves import Move
from app.importing.n8n.open_source import Access, open_source
from app.importing.n8n.options import ImportOptions
from app.importing.n8n.progress import Untold
from app.importing.n8n.published_versions import PublishedVersions
from app.importing.n8n.source import SourceError
from app.importing.n8n.sqlite import SqliteSource
from app.repository import import_progress
from app.repository.connection import connect
from app.repository.execution_data import read_data
from app.repository.import_progress import CannotMix
from tests.importing import n8n
from tests.importing.n8n import change, one
from tests.postgres import cloned_database

LACK = "that lack what --storage or --largest brings"
ORDERS, APPROVAL = (n8n.WORKFLOWS[f"Move: {name}"] for name in ("orders", "approval"))


def test_a_second_run_brings_the_rest(bring, target, sqlite_file):
    bring(sqlite_file)
    # What waited has ended, another one has come.
    ended = next(number for number, row in n8n.WAITING.items() if row["workflowId"] == APPROVAL)
    change(
        sqlite_file,
        "UPDATE execution_entity SET status = 'success', finished = 1, \"waitTill\" = NULL,"
        " \"stoppedAt\" = '2026-11-28 10:00:00.000' WHERE id = ?",
        ended,
    )
    change(
        sqlite_file,
        "INSERT INTO execution_entity (id, finished, mode, status, startedAt, stoppedAt, createdAt, workflowId)"
        " VALUES (40, 1, 'manual', 'success', '2026-11-28 10:00:01', '2026-11-28 10:00:02', '2026-11-28 10:00:01', ?)",
        ORDERS,
    )
    report = bring(sqlite_file)
    # One waits still, and one has a file in a folder that is not named.
    assert report.counts["executions"] == {"created": 1, "brought up to date": 1, "here already": 1, LACK: 1}
    assert report.counts["workflows"] == {"unchanged": 11}
    assert one(target, "SELECT status, wait_till FROM executions WHERE id = %s", ended) == ("success", None)
    assert one(target, "SELECT count(*) FROM imported_waits") == (1,)


def test_one_beside_another_is_refused_before_it_counts(bring, database_url, sqlite_file, monkeypatch):
    """Counting may take long, and tells nobody anything then."""
    monkeypatch.setattr(importer, "SECONDS_BETWEEN", 0)
    monkeypatch.setattr(SqliteSource, "count_executions", counted := Mock(return_value=0))
    with connect(database_url, autocommit=True) as other:
        assert import_progress.take_import_lock(other)
        with pytest.raises(SourceError, match="Another import into this database is under way"):
            bring(sqlite_file)
    counted.assert_not_called()


class CutShort(Exception):
    """Stands for what ends an import anywhere."""


class CutAfterABatch(Untold):
    """Ends an import when it tells of executions that it has stored."""

    what = ""

    def begin(self, what: str, most: int | None = None) -> None:
        self.what = what

    def add(self, number: int = 1) -> None:
        if self.what == "executions stored":
            raise CutShort


def test_an_import_that_is_cut_short_again_and_again_ends_as_one_that_was_not(
    bring, target, settings, sqlite_file, postgres_url, monkeypatch
):
    change(sqlite_file, "UPDATE execution_entity SET status = 'running' WHERE id = 5")
    bring(sqlite_file)
    monkeypatch.setattr(history, "BATCH", 6)
    save, calls = import_progress.save_progress, count(1)

    def cut_every_other(*arguments):
        if next(calls) % 2:  # within the transaction of a batch
            raise CutShort
        save(*arguments)

    with cloned_database(postgres_url) as url, connect(url, autocommit=True) as other:
        asked = (other, settings, [str(sqlite_file)], ImportOptions(key=n8n.KEY), Access(key=n8n.KEY))
        monkeypatch.setattr(import_progress, "save_progress", cut_every_other)
        for _ in range(6):
            with pytest.raises(CutShort):
                Move(*asked, CutAfterABatch()).bring()
        monkeypatch.undo()
        Move(*asked).bring()
        for table in KEPT:
            rows = f"SELECT t::text FROM {table} AS t ORDER BY 1"
            assert other.execute(rows).fetchall() == target.execute(rows).fetchall(), table


KEPT = (
    "executions", "execution_data", "execution_metadata", "execution_tags", "imported_waits", "workflow_versions",
    "execution_totals", "import_leftovers", "(SELECT i.source, i.highest_id FROM imports AS i)",
)  # fmt: skip
"""What an import of executions leaves behind."""


def test_one_that_ran_when_it_was_read_comes_when_it_has_ended(bring, target, sqlite_file):
    last = max(n8n.EXECUTIONS)
    change(sqlite_file, "UPDATE execution_entity SET status = 'running' WHERE id = 5")
    report = bring(sqlite_file)
    assert report.counts["executions"]["not ended yet"] == 1
    assert one(target, "SELECT highest_id FROM imports") == (last,)
    change(sqlite_file, "UPDATE execution_entity SET status = 'success' WHERE id = 5")
    bring(sqlite_file)
    assert one(target, "SELECT status FROM executions WHERE id = 5") == ("success",)
    created = [row[0] for row in target.execute("SELECT created_at FROM executions ORDER BY id")]
    assert created == sorted(created)


def test_what_a_later_run_brings_is_no_older_than_what_came_before(bring, target, sqlite_file):
    bring(sqlite_file)
    change(
        sqlite_file,
        "INSERT INTO execution_entity (id, finished, mode, status, createdAt, startedAt, workflowId)"
        " VALUES (40, 1, 'manual', 'success', '2020-01-01 10:00:01', '2020-01-01 10:00:01', ?)",
        ORDERS,
    )
    bring(sqlite_file)
    created = [row[0] for row in target.execute("SELECT created_at FROM executions ORDER BY id")]
    assert (len(created), created) == (19, sorted(created))


def test_what_waits_is_written_again_only_when_it_has_changed(bring, target, sqlite_file):
    bring(sqlite_file)
    first, second = sorted(n8n.WAITING)
    written = "SELECT e.xmin::text, d.xmin::text, w.xmin::text FROM executions AS e JOIN execution_data AS d"
    written += " ON d.execution_id = e.id JOIN imported_waits AS w ON w.execution_id = e.id WHERE e.id = %s"
    before = [one(target, written, each) for each in (first, second)]
    assert bring(sqlite_file).counts["executions"] == {"here already": 2, LACK: 1}
    assert [one(target, written, each) for each in (first, second)] == before
    change(sqlite_file, "UPDATE execution_entity SET waitTill = '2126-12-29 09:00:00.000' WHERE id = ?", second)
    assert bring(sqlite_file).counts["executions"] == {"here already": 1, "brought up to date": 1, LACK: 1}
    assert one(target, written, first) == before[0]
    assert one(target, "SELECT wait_till::date::text FROM imported_waits WHERE execution_id = %s", second) == (
        "2126-12-29",
    )


def test_ids_of_this_program_go_on_above_and_then_nothing_mixes(bring, target, sqlite_file):
    bring(sqlite_file)
    insert = (
        "INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode)"
        " SELECT id, version_id, project_id, 'manual' FROM workflows LIMIT 1 RETURNING id"
    )
    (own,) = one(target, insert)
    assert own > max(n8n.EXECUTIONS)
    bring(sqlite_file)  # nothing new came: all well
    change(
        sqlite_file,
        "INSERT INTO execution_entity (id, finished, mode, status, startedAt, workflowId)"
        " VALUES (?, 1, 'manual', 'success', '2026-11-28 10:00:01', ?)",
        own + 5,
        ORDERS,
    )
    with pytest.raises(CannotMix):
        bring(sqlite_file)


def test_what_was_changed_here_stays(bring, target, sqlite_file):
    bring(sqlite_file)
    with target.transaction():
        from app.repository.workflows import save_workflow

        save_workflow(target, APPROVAL, name="Ours now", definition=b'{"nodes":[],"connections":{}}')
    change(
        sqlite_file, 'UPDATE workflow_entity SET "versionId" = ?, name = ?', "5d7b9f1e-0000-4000-8000-000000000001", "x"
    )
    report = bring(sqlite_file)
    assert report.counts["workflows"]["changed here"] == 1
    assert one(
        target,
        "SELECT v.name FROM workflows w JOIN workflow_versions v ON v.id = w.version_id WHERE w.id = %s",
        APPROVAL,
    ) == ("Ours now",)


def test_files_come_when_their_folder_is_named_later(bring, target, sqlite_file):
    unnamed, named = Access(key=n8n.KEY), Access(key=n8n.KEY, storage=sqlite_file.parent / "storage")
    lost = bring(sqlite_file, access=unnamed).losses
    assert list(lost.values()) == [[13]]
    assert "--storage" in next(iter(lost))
    report = bring(sqlite_file, access=named)
    assert (report.losses, report.counts["executions"]["brought up to date"]) == ({}, 1)
    assert not bring(sqlite_file, access=named).losses


def test_what_lacks_the_folder_is_read_only_where_it_is_named(target, settings, sqlite_file, monkeypatch):
    """Hundreds of thousands may lack it. One pass writes of them what it has read, and nothing else."""
    read, kept = [], "SELECT xmin::text, execution_id FROM import_leftovers WHERE needs_folder"
    named = SqliteSource.named
    monkeypatch.setattr(SqliteSource, "named", lambda self, ids: read.append(ids) or named(self, ids))
    waiting, options = sorted(n8n.WAITING), ImportOptions(key=n8n.KEY)

    def passes(number, access, options=options):
        read.clear()
        move = Move(target, settings, [str(sqlite_file)], options, access)
        for _ in range(number):
            report = move.bring(follow=True)
        return report

    elsewhere = sqlite_file.parent / "elsewhere"
    change(sqlite_file, "UPDATE execution_data SET data = replace(data, 'filesystem-v2', 's3')")
    passes(1, Access(key=n8n.KEY))
    first = one(target, kept)
    assert (first[1], read) == (13, [])
    passes(2, Access(key=n8n.KEY))
    assert (one(target, kept), read) == (first, [waiting, waiting])
    passes(3, Access(key=n8n.KEY, storage=elsewhere), replace(options, storage=True))
    assert (one(target, kept), read) == (first, [[*waiting, 13], waiting, waiting])
    (sqlite_file.parent / "storage").rename(elsewhere)
    assert not passes(1, Access(key=n8n.KEY, storage=elsewhere), replace(options, storage=True)).losses
    assert one(target, kept) is None


@pytest.mark.parametrize(("mode", "place", "called"), [("s3", "s3", "S3"), ("azure", "az", "Azure")])
def test_what_n8n_keeps_in_a_bucket_comes_from_a_copy_of_it(bring, target, sqlite_file, mode, place, called):
    """Execution 13 has a file there, execution 1 its data; the copy is laid out as n8n's storage folder."""
    copy = sqlite_file.parent / "storage"
    change(sqlite_file, "UPDATE execution_data SET data = replace(data, 'filesystem-v2', ?)", mode)
    change(sqlite_file, 'DELETE FROM execution_data WHERE "executionId" = 1')
    change(sqlite_file, 'UPDATE execution_entity SET "storedAt" = ? WHERE id = 1', place)
    for folder in (None, sqlite_file.parent / "elsewhere"):
        losses = bring(sqlite_file, access=Access(key=n8n.KEY, storage=folder)).losses
        assert sorted(losses.values()) == [[1], [13]]
        assert all(f"is in {called}: copy the bucket's folder workflows into" in reason for reason in losses)
    bundle = copy / f"workflows/{ORDERS}/executions/1/execution_data/bundle.json"
    bundle.parent.mkdir(parents=True)
    bundle.write_text(json.dumps({"data": n8n.flatted_data(1), "workflowData": {}, "version": 1}))
    assert not bring(sqlite_file, access=Access(key=n8n.KEY, storage=copy)).losses
    stored = read_data(target, [1, 13])
    assert b'"customer":"c0"' in stored[1]
    assert b64encode(n8n.FILE[1]) in stored[13]


def test_what_a_trigger_started_ran_the_version_that_was_published_then(bring, target, sqlite_file):
    """n8n notes the version that was current: the draft, where there is one."""
    draft, published = (
        next(row[name] for row in n8n.rows("workflow_entity") if row["id"] == ORDERS)
        for name in ("versionId", "activeVersionId")
    )
    change(sqlite_file, 'UPDATE execution_entity SET "workflowVersionId" = ? WHERE id IN (1, 2, 3)', draft)
    change(sqlite_file, "UPDATE execution_entity SET mode = 'manual' WHERE id = 2")
    bring(sqlite_file)
    ran = "SELECT id, workflow_version_id::text FROM executions WHERE id <= 3 ORDER BY id"
    assert dict(target.execute(ran).fetchall()) == {1: published, 2: draft, 3: published}


def test_the_history_of_what_was_published_says_what_ran(sqlite_file):
    change(sqlite_file, 'CREATE TABLE workflow_publish_history (id, "workflowId", "versionId", event, "createdAt")')
    first, second = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
    for number, (version, event, hour) in enumerate(
        [(first, "activated", 10), (first, "deactivated", 12), (second, "activated", 14)]
    ):
        at = f"2026-11-28 {hour}:00:00.000"
        insert = "INSERT INTO workflow_publish_history VALUES (?, ?, ?, ?, ?)"
        change(sqlite_file, insert, number, ORDERS, version, event, at)
    source = open_source([str(sqlite_file)], Access())
    published = PublishedVersions(source)
    source.close()
    third = UUID("00000000-0000-4000-8000-000000000003")
    row = {"workflowId": ORDERS, "workflowVersionId": str(third), "mode": "webhook"}
    at = {hour: datetime(2026, 11, 28, hour, 30, tzinfo=UTC) for hour in (9, 10, 12, 14)}
    ran = [published.ran({**row, "startedAt": at[hour]}) for hour in at]
    assert ran == [third, UUID(first), third, UUID(second)]
    assert published.ran({**row, "mode": "manual", "startedAt": at[14]}) == third
