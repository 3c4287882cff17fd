"""Texts of any length, where an index of PostgreSQL holds them: an entry of a B-tree has 2,700 bytes at most."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from app.repository import deduplication
from app.repository.connection import connect
from app.repository.static_data import CannotKeep, change
from tests.workflows import START, chain, node

LONG = "".join(random.Random(0).choices([chr(number) for number in range(0x4E00, 0x9F00)], k=6_000))
"""It cannot be compressed to what an index takes."""
LETTERS = "".join(random.Random(0).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=6_000))

INDEXED = """
    SELECT DISTINCT c.relname || '.' || a.attname
      FROM pg_index AS i
      JOIN pg_class AS c ON c.oid = i.indrelid
      JOIN pg_class AS x ON x.oid = i.indexrelid
      JOIN pg_am AS m ON m.oid = x.relam AND m.amname = 'btree'
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey::int2[])
     WHERE c.relnamespace = 'public'::regnamespace AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)
"""
OURS = {
    "_yoyo_log.id", "_yoyo_migration.migration_hash", "counters.labels", "counters.name", "executions.mode",
    "executions.status", "executions.vote", "execution_tags.mode", "execution_tags.status", "execution_totals.mode",
    "execution_totals.status", "execution_totals.unit", "migration_checksums.migration", "migration_steps.migration",
    "problems.status", "users.role",
}  # fmt: skip
"""Words of this program's own."""
OPERATORS = {"import_leftovers.source", "imported_active.source", "imported_workflows.source", "imports.source"}
"""What whoever runs an import says."""
CUT = {
    "execution_metadata.key": "tests/engine/sandbox: 50 characters are kept",
    "problems.node": "tests/repository/test_failure_groups.py: 500 characters tell problems apart",
}


def activated(trigger: dict[str, Any]) -> Callable[[Any], Any]:
    def ask(api: Any) -> Any:
        saved = api.post("/workflows", chain(trigger)).json
        return api.post(f"/workflows/{saved['id']}/activate", {})

    return ask


def of_table(api: Any, body: dict[str, Any]) -> Any:
    columns = [{"name": "a", "type": "string"}]
    table = api.post("/data-tables", {"name": "table", "columns": columns}).json
    return api.post(f"/data-tables/{table['id']}/columns", body)


HOURLY = {"rule": {"interval": [{"field": "hours"}]}}
FEED = {"feedUrl": "https://example.com/", "pollTimes": {"item": [{"mode": "everyHour"}]}}
ASKED: dict[str, Callable[[Any], Any]] = {
    "data_table_columns.name": lambda api: of_table(api, {"name": LONG, "type": "string"}),
    "data_tables.name": lambda api: api.post("/data-tables", {"name": LONG, "columns": []}),
    "idempotency_keys.key": lambda api: api.post("/executions/1/retry", {}, headers={"Idempotency-Key": LETTERS}),
    "node_package_wishes.name": lambda api: api.post("/community-packages", {"name": f"n8n-nodes-{LETTERS}"}),
    "tags.name": lambda api: api.post("/tags", {"name": LONG}),
    "users.email": lambda api: api.post("/users", [{"email": f"{LETTERS}@a.example"}]),
    "variables.key": lambda api: api.post("/variables", {"key": LETTERS, "value": "x"}),
    "views.name": lambda api: api.post("/views", {"name": LONG, "query": ""}),
    "polls.node": activated(node(LONG, "rssFeedReadTrigger", FEED)),
    "schedules.node": activated(node(LONG, "scheduleTrigger", HOURLY, 1.2)),
    "webhooks.method": activated(node("Hook", "webhook", {"path": "a", "httpMethod": LETTERS}, 2)),
    "webhooks.node": activated(node(LONG, "webhook", {"path": "a"}, 2)),
    "webhooks.pattern": activated(node("Hook", "webhook", {"path": LONG}, 2)),
    "webhooks.webhook_id": activated(node("Hook", "webhook", {"path": ":a"}, 2, webhookId=LONG)),
    "workflow_static_data.scope": lambda api: api.post(
        "/workflows", {**chain(START), "staticData": {f"node:{LONG}": {"a": 1}}}
    ),
}
"""Calls of the API that would keep a long text there."""
WORDS = ("Length", "length", "too long", "character", "unknown method", "at most")
HASHED = {"deduplication_histories.scope", "deduplication_values.scope"}
UNREACHABLE = {
    "listeners.node": "the same statement as for `polls.node`; the test needs no mailbox",
    "node_packages.name": "only a wish leads there",
}


def test_each_indexed_text_is_known(database_url: str) -> None:
    """A new one is one of ours, cut, hashed, or a call that is refused; what ends in `id` is given by this program."""
    with connect(database_url) as connection:
        indexed = {name for (name,) in connection.execute(INDEXED)}
    indexed = {name for name in indexed if name == "webhooks.webhook_id" or not name.endswith(("_id", ".id"))}
    indexed |= {"_yoyo_log.id"}
    assert indexed == OURS | OPERATORS | CUT.keys() | ASKED.keys() | HASHED | UNREACHABLE.keys()


@pytest.mark.parametrize("name", ASKED)
def test_a_text_that_no_index_takes_is_refused_in_a_sentence(api: Any, name: str) -> None:
    answer = ASKED[name](api)
    assert answer.status_code == 400
    assert any(word in answer.json["message"] for word in WORDS)
    assert len(answer.json["message"]) < 4_100


def test_the_scope_of_what_was_seen_may_be_of_any_length(database_url: str, api: Any) -> None:
    workflow_id = api.post("/workflows", chain(START)).json["id"]
    with connect(database_url) as connection:
        for seen in ({"a", "b"}, set()):
            new = deduplication.add_values(connection, workflow_id, f"node:{LONG}", ["a", "b"], number=2, room=None)
            assert new == seen
        assert deduplication.pass_highest(connection, workflow_id, f"node:{LETTERS}", "number", 5.0) is None
        assert deduplication.pass_highest(connection, workflow_id, f"node:{LETTERS}", "number", 6.0) == 5.0
        deduplication.clear(connection, workflow_id, f"node:{LONG}")
        assert deduplication.add_values(connection, workflow_id, f"node:{LONG}", ["a"], number=1, room=None) == {"a"}


def test_static_data_of_a_node_with_such_a_name_is_refused(database_url: str, api: Any) -> None:
    workflow_id = api.post("/workflows", chain(START)).json["id"]
    with connect(database_url) as connection, pytest.raises(CannotKeep):
        change(connection, workflow_id, {}, {f"node:{LONG}": b"{}"})
