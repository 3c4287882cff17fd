"""What comes from an n8n is here as it was there, and what cannot be is said."""

import json
from uuid import UUID

import orjson
import pytest

from app.importing.n8n.open_source import Access
from app.importing.n8n.source import SourceError
from app.repository import deduplication, executions, failure_groups, failure_words
from app.repository.execution_data import read_data
from app.repository.execution_filters import ExecutionFilter
from tests.importing import n8n
from tests.importing.n8n import change, one

ORDERS, APPROVAL, FAILS = (n8n.WORKFLOWS[f"Move: {name}"] for name in ("orders", "approval", "fails"))
NO_OK = ExecutionFilter(error="no OK in the call")


def unflatten(text):
    """The document, by the plain reading of the format."""
    entries = json.loads(text)

    def read(value):
        if isinstance(value, dict):
            return {key: read(entries[int(part)]) if isinstance(part, str) else part for key, part in value.items()}
        if isinstance(value, list):
            return [read(entries[int(part)]) if isinstance(part, str) else part for part in value]
        return value

    return read(entries[0])


def test_run_data_is_what_it_was(bring, target, sqlite_file):
    bring(sqlite_file, access=Access(key=n8n.KEY, storage=sqlite_file.parent / "storage"))
    stored = {number: orjson.loads(data) for number, data in read_data(target, n8n.EXECUTIONS).items()}
    for number in n8n.EXECUTIONS:
        expected = unflatten(n8n.flatted_data(number))
        if "filesystem-v2" in json.dumps(expected):
            (run,) = stored[number]["resultData"]["runData"]["File"]
            (file,) = run["data"]["main"][0][0]["binary"].values()
            assert (file["data"], "id" in file) == ("YSBmaWxlJ3MgdGV4dA==", False)
        else:
            # half of a surrogate pair cannot be kept
            assert stored[number] == json.loads(json.dumps(expected).replace("\\ud83d", "\\ufffd"))
    shown = dict(target.execute("SELECT id, input_preview FROM executions WHERE input_preview IS NOT NULL").fetchall())
    assert (len(shown), shown[1], shown[2]) == (13, b'{"customer":"c0"}', b'{"customer":"c1"}')


def test_states_and_times_are_what_they_were(bring, target, sqlite_file):
    bring(sqlite_file)
    for row in n8n.rows("execution_entity"):
        status, mode, started, stopped, retry_of = one(
            target, "SELECT status, mode, started_at, stopped_at, retry_of FROM executions WHERE id = %s", row["id"]
        )
        assert (status, mode) == (row["status"], row["mode"])
        assert f"{started:%Y-%m-%d %H:%M:%S.%f}"[:-3] == row["startedAt"]
        assert (stopped is None) == (status == "waiting")
        assert retry_of == (None if row["retryOf"] is None else int(row["retryOf"]))
    created = [row[0] for row in target.execute("SELECT created_at FROM executions ORDER BY id")]
    assert created == sorted(created)
    node, message = one(target, "SELECT error_node, error_message FROM executions WHERE status = 'error' LIMIT 1")
    assert (node, message.startswith("No ok in the call")) == ("Check", True)


def test_what_was_stopped_there_is_found_by_its_words(bring, target, sqlite_file):
    change(sqlite_file, "UPDATE execution_entity SET status = 'canceled' WHERE status = 'error'")
    bring(sqlite_file)
    assert {each.status for each in executions.list_executions(target, NO_OK, limit=9)} == {"canceled"}


def test_what_people_said_comes_along(bring, target, sqlite_file):
    bring(sqlite_file)
    assert one(
        target,
        "SELECT e.vote, e.note, t.name FROM executions e JOIN execution_tags et ON et.execution_id = e.id"
        " JOIN tags t ON t.id = et.tag_id",
    ) == ("up", "Looked at twice", "move-looked-at")
    assert one(target, "SELECT count(*) FROM execution_metadata WHERE key = 'customer' AND value = 'c1'") == (2,)


def test_a_workflow_that_was_edited_since_it_was_published_is_a_draft(bring, target, sqlite_file):
    activated = {}
    report = bring(sqlite_file, activate=lambda workflow, version: activated.update({workflow: version}))
    row = next(row for row in n8n.rows("workflow_entity") if row["id"] == ORDERS)
    assert row["versionId"] != row["activeVersionId"]
    assert one(target, "SELECT version_id FROM workflows WHERE id = %s", ORDERS) == (UUID(row["versionId"]),)
    active = {each["id"]: UUID(each["activeVersionId"]) for each in n8n.rows("workflow_entity") if each["active"]}
    assert activated == active
    versions = target.execute("SELECT id, definition FROM workflow_versions WHERE workflow_id = %s", [ORDERS])
    texts = {str(number): definition.decode() for number, definition in versions}
    assert "// edited" in texts[row["versionId"]]
    assert "// edited" not in texts[row["activeVersionId"]]
    (found,) = [each for each in report.workflows if each.id == ORDERS]
    assert any("published" in finding for finding in found.findings)


def test_archived_workflows_stay_put_away(bring, target, sqlite_file):
    bring(sqlite_file)
    assert target.execute("SELECT id FROM workflows WHERE is_archived").fetchall() == [
        (n8n.WORKFLOWS["Move: archived"],)
    ]


def test_data_tables_come_with_their_rows(bring, target, sqlite_file):
    bring(sqlite_file)
    (table,) = n8n.rows("data_table")
    names = dict(
        target.execute("SELECT id, name FROM data_table_columns WHERE table_id = %s", [table["id"]]).fetchall()
    )
    rows = target.execute("SELECT id, cells FROM data_table_rows ORDER BY id").fetchall()
    assert [(number, {names[key]: value for key, value in cells.items()}) for number, cells in rows] == [
        (1, {"sku": "a", "price": 1.5, "live": True, "since": "2026-01-02T03:04:05.000Z"}),
        (2, {"sku": "b", "live": False}),
    ]
    assert one(target, "SELECT last_row_id FROM data_tables") == (2,)
    change(
        sqlite_file, f"UPDATE \"data_table_user_{table['id']}\" SET sku = 'z', updatedAt = '2027-01-01' WHERE id = 1"
    )
    bring(sqlite_file)
    assert one(target, "SELECT count(*) FROM data_table_rows WHERE cells::text LIKE '%%\"z\"%%'") == (1,)


def test_folders_tags_and_static_data(bring, target, sqlite_file):
    bring(sqlite_file)
    assert one(target, "SELECT folder FROM workflows WHERE id = %s", ORDERS) == ("Billing / EU",)
    tagged = target.execute("SELECT workflow_id FROM workflow_tags").fetchall()
    assert {row[0] for row in tagged} == {ORDERS, FAILS}
    assert one(target, "SELECT data FROM workflow_static_data WHERE workflow_id = %s", FAILS) == (b'{"runs":1}',)


def test_values_that_were_seen_there_are_not_new_here(bring, target, sqlite_file):
    bring(sqlite_file)
    workflow_id, scope = n8n.WORKFLOWS["Move: new only"], "node:new-id-0000"
    with target.transaction():
        new = deduplication.add_values(target, workflow_id, scope, ["1", "4", "5"], number=3, room=100)
        again = deduplication.add_values(target, workflow_id, scope, ["1", "5"], number=2, room=100)
    assert (new, again) == ({"5"}, set())
    assert one(target, "SELECT size FROM deduplication_histories WHERE workflow_id = %s", workflow_id) == (5,)


def test_a_dry_run_writes_nothing_and_says_the_same(bring, target, sqlite_file):
    looked = bring(sqlite_file, dry_run=True)
    for table in ("workflows", "tags", "credentials", "executions", "imports", "variables"):
        assert one(target, f"SELECT count(*) FROM {table}") == (0,)
    brought = bring(sqlite_file)
    assert [(each.id, each.findings) for each in looked.workflows] == [
        (each.id, each.findings) for each in brought.workflows
    ]
    assert looked.counts["executions"]["at the source"] == 18


def test_a_row_that_cannot_be_kept_keeps_no_other_back(bring, target, sqlite_file):
    change(sqlite_file, "UPDATE execution_data SET data = 'broken' WHERE executionId = 5")
    change(sqlite_file, 'UPDATE execution_data SET data = \'[{"a":"0"}]\' WHERE executionId = 6')  # contains itself
    change(sqlite_file, "UPDATE execution_entity SET status = 'unknown', mode = 'quantum' WHERE id = 7")
    change(sqlite_file, "DELETE FROM execution_data WHERE executionId = 8")
    change(sqlite_file, "UPDATE execution_entity SET \"storedAt\" = 's3' WHERE id = 9")
    change(sqlite_file, "DELETE FROM execution_data WHERE executionId = 9")
    change(sqlite_file, "UPDATE execution_metadata SET value = 'nul' || char(0) || 'inside' WHERE executionId = 4")
    change(sqlite_file, "UPDATE workflow_entity SET nodes = '[{\"name\":1}]', connections = '[]' WHERE id = ?", FAILS)
    report = bring(sqlite_file)
    assert one(target, "SELECT count(*) FROM executions") == (18,)
    assert one(target, "SELECT count(*) FROM workflows") == (11,)
    assert one(target, "SELECT status, mode FROM executions WHERE id = 7") == ("crashed", "internal")
    told = "\n".join(report.lines())
    for reason in ("cannot be read", "status unknown became crashed", "no data of it", "is in S3"):
        assert reason in told
    json.dumps(report.to_json())


def test_data_above_the_bound_stays_behind(bring, target, sqlite_file):
    report = bring(sqlite_file, most_bytes=2_000)
    while failure_groups.group_some(target) or failure_words.index_some(target, enough=1):
        pass
    assert not executions.list_executions(target, NO_OK, limit=9)
    assert any("--largest" in reason for reason in report.losses)
    assert one(target, "SELECT count(*) FROM executions") == (18,)
    with_data = (
        "SELECT count(*), sum(e.json_size_bytes) FROM executions AS e JOIN execution_data AS d ON d.execution_id = e.id"
    )
    before = one(target, with_data)
    bring(sqlite_file, most_bytes=2_000)
    assert one(target, with_data) == before

    report = bring(sqlite_file)
    assert not any("--largest" in reason for reason in report.losses)
    whole = one(target, with_data)
    assert executions.list_executions(target, NO_OK, limit=9)
    assert whole[0] > before[0]
    assert whole[1] > before[1]
    assert "brought up to date" not in bring(sqlite_file).counts["executions"]
    assert one(target, with_data) == whole


def test_projects_are_kept_when_asked_for(bring, target, sqlite_file):
    bring(sqlite_file, keep_projects=True)
    (project,) = [row["id"] for row in n8n.rows("project")]
    for table in ("workflows", "executions", "credentials"):
        assert target.execute(f"SELECT DISTINCT project_id FROM {table}").fetchall() == [(project,)]
    with pytest.raises(SourceError, match="no project"):
        bring(sqlite_file, project="nowhere")


def test_a_time_zone_is_written_where_there_is_none(bring, target, sqlite_file):
    bring(sqlite_file, timezone="Europe/Berlin")
    zones = dict(
        target.execute(
            "SELECT v.name, v.definition #>> '{settings,timezone}' FROM workflows w"
            " JOIN workflow_versions v ON v.id = w.version_id"
        ).fetchall()
    )
    assert (zones["Move: nightly"], zones["Move: Tokyo"]) == ("Europe/Berlin", "Asia/Tokyo")


def test_findings_name_what_will_not_run(bring, sqlite_file):
    report = bring(sqlite_file, dry_run=True)
    found = {each.name: " ".join(each.findings) for each in report.workflows}
    assert "telegram" in found["Move: telegram"]
    assert "time zone" in found["Move: nightly"]
    assert found["Move: Tokyo"] == ""
    tokyo = (n8n.WORKFLOWS["Move: Tokyo"],)
    change(
        sqlite_file,
        "UPDATE workflow_entity SET settings = replace(settings, 'Asia/Tokyo', 'Asia') WHERE id = ?",
        *tokyo,
    )
    (found,) = (each for each in bring(sqlite_file, dry_run=True).workflows if each.name == "Move: Tokyo")
    assert found.findings == ["has a schedule that cannot be due: The workflow's timezone 'Asia' is unknown"]


def test_a_rehearsal_runs_what_was_recorded_and_names_the_node_that_differs(bring, target, sqlite_file):
    # n8n notes the draft with what its triggers start, which runs what was published.
    (draft,) = (row["versionId"] for row in n8n.rows("workflow_entity") if row["id"] == ORDERS)
    for table in ("workflow_history", "workflow_entity"):
        change(sqlite_file, f"UPDATE {table} SET nodes = replace(nodes, 'x+y', 'x-y') WHERE versionId = ?", draft)
    change(sqlite_file, "UPDATE execution_entity SET workflowVersionId = ? WHERE workflowId = ?", draft, ORDERS)
    # Variables of the workflow's project hide the common ones.
    asking = (
        "UPDATE workflow_history SET nodes = replace(nodes, 'x+y', '($vars.plus == 1 ? x+y : 0)') WHERE workflowId = ?"
    )
    change(sqlite_file, asking, ORDERS)
    (project,) = {row["projectId"] for row in n8n.rows("shared_workflow")}
    for number, owner in (("0", None), ("1", project)):
        variable = "INSERT INTO variables (id, key, value, projectId) VALUES (?, 'plus', ?, ?)"
        change(sqlite_file, variable, f"plus {number}", number, owner)
    report = bring(sqlite_file, rehearse=3)
    found = {each.name: each for each in report.rehearsed}
    assert (found["Move: orders"].runs, found["Move: orders"].equal) == (3, 3)
    assert found["Move: files"].equal == 1
    for table in ("workflows", "executions"):
        assert one(target, f"SELECT count(*) FROM {table}") == (0,)
    change(sqlite_file, "UPDATE workflow_history SET nodes = replace(nodes, 'x+y', 'x-y') WHERE workflowId = ?", ORDERS)
    changed = {each.name: each for each in bring(sqlite_file, rehearse=2).rehearsed}["Move: orders"]
    assert (changed.runs, changed.equal, dict(changed.differing)) == (2, 0, {"Total": 2})
    json.dumps(changed.to_json())
    assert any("Total puts out something else in 2" in line for line in changed.lines())


def test_what_the_borders_of_projects_cut_is_told(bring, sqlite_file):
    other = "INSERT INTO project (id, name, type) VALUES ('other', 'Other', 'team')"
    n8n.change(sqlite_file, other)
    on_error, fails = n8n.WORKFLOWS["Move: on error"], n8n.WORKFLOWS["Move: fails"]
    n8n.change(
        sqlite_file, "UPDATE shared_workflow SET projectId = 'other' WHERE workflowId IN (?, ?)", on_error, ORDERS
    )
    call = {"type": "n8n-nodes-base.executeWorkflow", "name": "Call", "parameters": {"workflowId": {"value": ORDERS}}}
    n8n.change(sqlite_file, "UPDATE workflow_entity SET nodes = ? WHERE id = ?", json.dumps([call]), fails)
    found = {each.id: each.findings for each in bring(sqlite_file, keep_projects=True, executions=False).workflows}
    assert any(f"its error workflow {on_error} is in another project" in finding for finding in found[fails])
    assert any(f"node Call calls the workflow {ORDERS} of another project" in finding for finding in found[fails])
    assert any("uses a credential of another project" in finding for finding in found[ORDERS])
    together = bring(sqlite_file, dry_run=True, executions=False).workflows
    assert not any("another project" in finding for each in together for finding in each.findings)
