"""A source that goes on while it is read: what comes late, and what ends later, comes all the same."""

import re
import sqlite3
from collections import Counter
from unittest.mock import Mock

import pytest

from app.command_reports import ProgressBar
from app.import_commands import move
from app.importing.n8n.rehearsal import Rehearsed
from app.importing.n8n.report import Report
from app.importing.n8n.source import SourceError
from tests.importing import n8n

ORDERS = n8n.WORKFLOWS["Move: orders"]


class AwayOnce:
    """A move whose source breaks off in the pass of this number, counted from 1."""

    def __init__(self, number: int) -> None:
        self.number, self.passes = number, 0

    def bring(self, activate, *, follow):
        self.passes += 1
        if self.passes == 3:
            raise KeyboardInterrupt
        if self.passes == self.number:
            raise SourceError("n8n's database cannot be read to its end: it is stopped")
        return Report("n8n")


class BringsALittle(AwayOnce):
    """Reads one row a pass, and tells of it."""

    def bring(self, activate, *, follow):
        self.progress.begin("rows of migrations read")
        self.progress.add()
        self.progress._told_at = float("-inf")  # so long ago is it when the next pass begins
        return super().bring(activate, follow=follow)


def test_passes_that_take_no_time_say_nothing_of_their_steps(capsys):
    given = {"dry_run": False, "rehearse": None, "remove_demo": False, "activate": False, "follow": True, "every": 0}
    quick = BringsALittle(9)
    quick.progress = ProgressBar()
    move(quick, None, None, given | {"report": None}, quick.progress)
    assert "migrations" not in capsys.readouterr().err


class Passes:
    """A move whose passes end with these reports, and then by Ctrl-C."""

    def __init__(self, *counts: dict[str, dict[str, int]]) -> None:
        self.reports = [Report("n8n", counts={kind: Counter(each) for kind, each in of.items()}) for of in counts]

    def bring(self, activate, *, follow):
        if not self.reports:
            raise KeyboardInterrupt
        return self.reports.pop(0)


def test_passes_tell_only_what_they_have_brought(capsys):
    given = {"dry_run": False, "rehearse": None, "remove_demo": False, "activate": False, "follow": True, "every": 0}
    nothing = {"tags": {"kept": 2}, "workflows": {"unchanged": 3}, "executions": {"here already": 1}}
    one = {"tags": {"kept": 3}, "workflows": {"unchanged": 3}, "executions": {"here already": 1, "created": 1}}
    first = {"tags": {"kept": 2}, "workflows": {"created": 3}, "executions": {"created": 4, "not ended yet": 1}}
    passes = Passes(first, nothing, nothing, one, one, nothing | {"tags": {"kept": 3}})
    move(passes, None, None, given | {"report": None}, ProgressBar())
    said = capsys.readouterr().out.splitlines()
    brought = re.compile(r"\d\d:\d\d:\d\d Imported from n8n")
    assert [brought.sub("AT TIME", line) for line in said] == [
        "Imported from n8n",
        "  tags: 2 kept",
        "  workflows: 3 created",
        "  executions: 4 created, 1 not ended yet",
        "Following, every 0 s: what is new is told here. Ctrl-C ends it",
        "AT TIME",
        "  tags: 3 kept",
        "  executions: 1 created",
        "AT TIME",
        "  executions: 1 created",
        "Next: look at what came. To switch, deactivate there, and run this again with --activate",
    ]


def test_following_goes_on_when_the_source_was_away(capsys):
    given = {"dry_run": False, "rehearse": None, "remove_demo": False, "activate": False, "follow": True, "every": 0}
    away = AwayOnce(2)
    move(away, None, None, given | {"report": None}, ProgressBar())
    assert away.passes == 3
    assert "it is stopped. What came is kept" in capsys.readouterr().err
    with pytest.raises(SourceError):
        move(AwayOnce(1), None, None, given, ProgressBar())


def test_a_source_without_executions_has_nothing_to_rehearse(capsys):
    given = {"dry_run": False, "rehearse": 3, "report": None}
    workflow = Rehearsed("w1", "Orders", runs=1, equal=1)
    for found, said in ([], True), ([workflow], False):
        move(Mock(rehearse=lambda number, show, found=found: Report("n8n", rehearsed=found)), None, None, given, Mock())
        assert ("Nothing to rehearse" in capsys.readouterr().out) is said


def test_an_execution_that_shows_up_after_a_later_one_comes(bring, target, sqlite_file):
    late = max(n8n.EXECUTIONS) + 1
    insert = (
        "INSERT INTO execution_entity (id, finished, mode, status, startedAt, workflowId)"
        " VALUES (?, 1, 'manual', 'success', '2026-11-28 10:00:01', ?)"
    )
    for number in (late + 1, late):
        connection = sqlite3.connect(sqlite_file)
        with connection:
            connection.execute(insert, [number, ORDERS])
        connection.close()
        bring(sqlite_file)
    assert {late, late + 1} <= n8n.statuses(target).keys()


def test_what_was_active_is_remembered_when_it_is_deactivated_one_by_one(bring, target, sqlite_file):
    """As somebody does it before the last pass, while an earlier one goes on."""
    bring(sqlite_file)
    active = {row["id"]: row["activeVersionId"] for row in n8n.rows("workflow_entity") if row["active"]}
    approval = n8n.WORKFLOWS["Move: approval"]
    target.execute("UPDATE imported_active SET seen_at = now() - interval '2 days' WHERE workflow_id = %s", [approval])
    off = 'UPDATE workflow_entity SET active = 0, "activeVersionId" = NULL'
    n8n.change(sqlite_file, f"{off} WHERE id <> ?", ORDERS)
    bring(sqlite_file)
    n8n.change(sqlite_file, off)
    n8n.change(sqlite_file, "DELETE FROM webhook_entity")
    activated: dict[str, str] = {}
    report = bring(
        sqlite_file, activate=lambda workflow_id, version_id: activated.update({workflow_id: str(version_id)})
    )
    # Of one that was edited since it was published, the published version.
    assert activated == {id: version for id, version in active.items() if id != approval}
    assert "Nothing answers POST move-orders (workflow kpQ252pHHoK4e8eP, node Webhook) here." in report.notes
    (found,) = [each for each in report.workflows if each.id == approval]
    assert "was last active there at" in found.findings[-1]


def test_the_switch_leaves_what_somebody_wants_here(bring, target, sqlite_file):
    bring(sqlite_file)
    nightly, tokyo = n8n.WORKFLOWS["Move: nightly"], n8n.WORKFLOWS["Move: Tokyo"]
    target.execute(
        "INSERT INTO workflow_versions (id, workflow_id, project_id, name, definition)"
        " SELECT '00000000-0000-4000-8000-000000000001', workflow_id, project_id, name, definition"
        "   FROM workflow_versions AS v WHERE v.id = (SELECT version_id FROM workflows WHERE id = %s)",
        [tokyo],
    )
    target.execute("UPDATE workflows SET version_id = '00000000-0000-4000-8000-000000000001' WHERE id = %s", [tokyo])
    target.execute("UPDATE workflows SET active = true WHERE id = %s", [nightly])
    activated: dict[str, object] = {}
    report = bring(sqlite_file, activate=lambda workflow_id, version_id: activated.update({workflow_id: version_id}))
    assert nightly not in activated
    assert report.counts["workflows"]["active here already"] == 1
    assert activated[tokyo] is None  # at its current version, which was made here


def test_executions_that_are_gone_there_are_counted(bring, sqlite_file):
    bring(sqlite_file)
    n8n.change(sqlite_file, 'UPDATE execution_entity SET "deletedAt" = "startedAt" WHERE id IN (1, 2)')
    n8n.change(sqlite_file, "DELETE FROM execution_entity WHERE id = 3")
    assert bring(sqlite_file).counts["executions"]["here that are gone there"] == 3


def test_workflows_that_are_gone_there_are_told(bring, target, sqlite_file):
    assert "here that are gone there" not in bring(sqlite_file).counts["workflows"]
    n8n.change(sqlite_file, "DELETE FROM workflow_entity WHERE id = ?", ORDERS)
    report = bring(sqlite_file)
    assert report.counts["workflows"]["here that are gone there"] == 1
    (gone,) = (each for each in report.workflows if any("is gone there" in finding for finding in each.findings))
    assert (gone.id, gone.name) == (ORDERS, "Move: orders")
    target.execute("DELETE FROM workflows WHERE id = %s", [ORDERS])
    assert "here that are gone there" not in bring(sqlite_file).counts["workflows"]


def test_a_failure_that_is_mended_there_later_is_mended_here(bring, target, sqlite_file):
    bring(sqlite_file)
    failed = next(row["id"] for row in n8n.rows("execution_entity") if row["status"] == "error")
    n8n.change(
        sqlite_file,
        "INSERT INTO execution_entity (id, finished, mode, status, retryOf, startedAt, workflowId)"
        " SELECT 40, 1, 'retry', 'success', id, '2026-11-28 10:00:01', workflowId FROM execution_entity WHERE id = ?",
        failed,
    )
    bring(sqlite_file)
    assert n8n.one(target, "SELECT retry_success_id FROM executions WHERE id = %s", failed) == (40,)
    n8n.change(
        sqlite_file,
        "INSERT INTO execution_entity (id, finished, mode, status, retryOf, startedAt, workflowId)"
        " SELECT 41, 1, 'retry', 'success', id, '2026-11-28 10:00:02', workflowId FROM execution_entity WHERE id = ?",
        failed,
    )
    bring(sqlite_file)
    assert n8n.one(target, "SELECT retry_success_id FROM executions WHERE id = %s", failed) == (41,)
    assert n8n.one(target, "SELECT count(*) FROM mended_failures WHERE execution_id = %s", failed) == (1,)


def test_rows_of_data_tables_that_were_deleted_there_are_told(bring, sqlite_file):
    bring(sqlite_file)
    (table,) = (name for name in n8n.TABLES if name.startswith("data_table_user_"))
    n8n.change(sqlite_file, f'DELETE FROM "{table}" WHERE id = (SELECT min(id) FROM "{table}")')
    report = bring(sqlite_file)
    assert [note for note in report.notes if "has 1 rows here that it has not got there" in note]
