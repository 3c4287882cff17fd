"""What changes in an n8n that is followed without getting a version or an execution of its own."""

import json

import pytest

from tests.importing import n8n
from tests.importing.n8n import change, one

ORDERS, APPROVAL = (n8n.WORKFLOWS[f"Move: {name}"] for name in ("orders", "approval"))
OURS = "5d7b9f1e-0000-4000-8000-00000000000"


def workflow(target, workflow_id):
    """The name and settings of its current version, and of the one that n8n has published."""
    row = next(each for each in n8n.rows("workflow_entity") if each["id"] == workflow_id)
    version = "SELECT v.name, (v.definition -> 'settings')::text FROM workflow_versions AS v WHERE v.id = %s"
    (current,) = one(target, "SELECT version_id FROM workflows WHERE id = %s", workflow_id)
    read = filter(None, (one(target, version, each) for each in (current, row["activeVersionId"])))
    return [(name, json.loads(settings)) for name, settings in read]


def tags(target, workflow_id):
    named = "SELECT t.name FROM workflow_tags AS w JOIN tags AS t ON t.id = w.tag_id WHERE w.workflow_id = %s"
    return {name for (name,) in target.execute(named, [workflow_id])}


def static_data(target, workflow_id):
    query = "SELECT scope, data::text FROM workflow_static_data WHERE workflow_id = %s"
    return {scope: json.loads(data) for scope, data in target.execute(query, [workflow_id])}


def change_without_a_version(path):
    settings = {"executionOrder": "v1", "timezone": "Asia/Tokyo"}
    change(
        path,
        'UPDATE workflow_entity SET name = ?, settings = ?, "staticData" = ? WHERE id = ?',
        *("Renamed", json.dumps(settings), '{"node:Poll":{"last":77}}', ORDERS),
    )
    change(path, "DELETE FROM workflows_tags")
    return settings


def test_names_settings_static_data_and_tags_follow_without_another_version(bring, target, sqlite_file):
    bring(sqlite_file)
    assert tags(target, ORDERS)
    target.execute("INSERT INTO tags (id, name) VALUES ('ours', 'given here')")
    target.execute("INSERT INTO workflow_tags (workflow_id, tag_id) VALUES (%s, 'ours')", [ORDERS])
    settings = change_without_a_version(sqlite_file)
    assert bring(sqlite_file).counts["workflows"] == {"updated": 1, "unchanged": 10}
    assert workflow(target, ORDERS) == [("Renamed", settings)] * 2
    assert static_data(target, ORDERS) == {"node:Poll": {"last": 77}}
    assert tags(target, ORDERS) == {"given here"}
    assert bring(sqlite_file).counts["workflows"] == {"unchanged": 11}


def test_a_time_zone_that_was_said_once_stays_where_none_is_said(bring, target, sqlite_file):
    bring(sqlite_file, timezone="Europe/Berlin")
    change(sqlite_file, "UPDATE workflow_entity SET name = 'Renamed' WHERE id = ?", ORDERS)
    assert bring(sqlite_file).counts["workflows"] == {"updated": 1, "unchanged": 10}
    current, published = workflow(target, ORDERS)
    assert current[1]["timezone"] == published[1]["timezone"] == "Europe/Berlin"


def test_what_has_run_here_keeps_what_it_ran_and_remembers(bring, target, sqlite_file):
    bring(sqlite_file)
    before = workflow(target, ORDERS), static_data(target, ORDERS)
    target.execute(
        "INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode)"
        " SELECT id, version_id, project_id, 'manual' FROM workflows WHERE id = %s",
        [ORDERS],
    )
    change_without_a_version(sqlite_file)
    bring(sqlite_file)
    assert (workflow(target, ORDERS), static_data(target, ORDERS)) == before


@pytest.mark.parametrize("statement", ["DROP TABLE workflow_history", "DELETE FROM workflow_history"])
def test_edits_follow_where_n8n_keeps_no_history(bring, target, sqlite_file, statement):
    """As before 2.0 without a licence, and over the API."""
    change(sqlite_file, statement)
    bring(sqlite_file)
    for number in (1, 2):
        edit = 'UPDATE workflow_entity SET "versionId" = ?, name = ? WHERE id = ?'
        change(sqlite_file, edit, f"{OURS}{number}", f"Edit {number}", ORDERS)
        assert bring(sqlite_file).counts["workflows"] == {"updated": 1, "unchanged": 10}
        assert workflow(target, ORDERS)[0][0] == f"Edit {number}"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM execution_entity WHERE id = ?",
        'UPDATE execution_entity SET "deletedAt" = "startedAt" WHERE id = ?',
    ],
)
def test_what_waits_and_is_deleted_there_does_not_go_on_here(bring, target, sqlite_file, statement):
    bring(sqlite_file)
    gone, stays = sorted(n8n.WAITING)
    change(sqlite_file, statement, gone)
    for _ in range(2):  # a later pass still knows
        bring(sqlite_file)
    assert one(target, "SELECT status FROM executions WHERE id = %s", gone) == ("waiting",)
    report = bring(sqlite_file, activate=lambda workflow_id, version_id: None)
    assert report.counts["executions"]["that waited and are gone there, canceled here"] == 1
    assert report.counts["executions"]["that wait go on here"] == 1
    statuses = dict(target.execute("SELECT id, status FROM executions WHERE id = ANY(%s)", [[gone, stays]]).fetchall())
    assert statuses == {gone: "canceled", stays: "waiting"}


def test_a_tag_that_is_renamed_there_is_renamed_here(bring, target, sqlite_file):
    ids, names = [row["id"] for row in n8n.rows("tag_entity")], "SELECT id, name FROM tags WHERE id LIKE %s"
    rename = "UPDATE tag_entity SET name = ?, updatedAt = ? WHERE id = ?"
    bring(sqlite_file)
    before, tagged = one(target, "SELECT count(*) FROM tags"), tags(target, ORDERS)
    change(sqlite_file, rename, "renamed", "2126-01-01 00:00:00.000", ids[0])
    bring(sqlite_file)
    assert target.execute(names, [f"{ids[0]}%"]).fetchall() == [(ids[0], "renamed")]
    assert one(target, "SELECT count(*) FROM tags") == before
    assert len(tags(target, ORDERS)) == len(tagged)


def test_a_source_without_executions_does_not_say_that_they_are_gone(bring, target, sqlite_file):
    bring(sqlite_file)
    change(sqlite_file, "DROP TABLE execution_entity")
    report = bring(sqlite_file, activate=lambda workflow_id, version_id: None)
    lack = "that lack what --storage or --largest brings"
    assert report.counts["executions"] == {"that wait go on here": 2, lack: 1}


def test_values_of_variables_follow_until_they_are_changed_here(bring, target, sqlite_file):
    (variable,) = n8n.rows("variables")
    bring(sqlite_file)
    change(sqlite_file, "UPDATE variables SET value = 'Servus' WHERE id = ?", variable["id"])
    assert bring(sqlite_file).counts["variables"] == {"kept": 1}
    value = "SELECT key, value FROM variables WHERE id = %s"
    assert one(target, value, variable["id"]) == (variable["key"], "Servus")
    target.execute("UPDATE variables SET value = 'ours', updated_at = now()")
    change(sqlite_file, "UPDATE variables SET value = 'theirs' WHERE id = ?", variable["id"])
    assert bring(sqlite_file).counts["variables"] == {"that have another value here": 1}
    assert one(target, value, variable["id"]) == (variable["key"], "ours")


def test_a_variable_does_not_take_the_key_of_one_that_is_here(bring, target, sqlite_file):
    (variable,) = n8n.rows("variables")
    bring(sqlite_file)
    target.execute("INSERT INTO variables (id, key, value) VALUES ('here', 'taken', 'ours')")
    change(sqlite_file, "UPDATE variables SET key = 'taken' WHERE id = ?", variable["id"])
    assert bring(sqlite_file).counts["variables"] == {"that have another value here": 1}
    assert one(target, "SELECT value FROM variables WHERE key = 'taken'") == ("ours",)
    change(sqlite_file, "UPDATE variables SET key = 'free' WHERE id = ?", variable["id"])
    assert bring(sqlite_file).counts["variables"] == {"kept": 1}
    assert one(target, "SELECT count(*) FROM variables") == (2,)
