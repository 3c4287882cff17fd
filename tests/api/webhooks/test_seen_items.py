"""Remove Duplicates over executions: what one has seen, the next leaves out, whoever comes first."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.api.webhooks.conftest import Hook, Site, webhook
from tests.workflows import code, node

SEEN = {"operation": "removeItemsSeenInPreviousExecutions"}
BY_VALUE = {**SEEN, "logic": "removeItemsWithAlreadySeenKeyValues", "dedupeValue": "={{ $json.id }}"}
ITEMS = code("return $json.body.ids.map(id => ({json: {id}}))", "Items")


def dedupe(**parameters: Any) -> dict[str, Any]:
    return node("Dedupe", "removeDuplicates", {**BY_VALUE, "options": {}, **parameters}, 2)


def hook_for(site: Site, *nodes: dict[str, Any]) -> Hook:
    return site.add(webhook(httpMethod="POST", responseData="allEntries"), ITEMS, *nodes)


def new(site: Site, hook: Hook, *ids: Any) -> list[Any]:
    return [item["id"] for item in site.call("POST", hook.path, {"ids": ids}).json]


def test_values_that_an_earlier_execution_has_seen_are_left_out(site: Site) -> None:
    hook = hook_for(site, dedupe())
    assert new(site, hook, "b", "a", "b") == ["b", "b", "a"]
    assert new(site, hook, "a", "c") == ["c"]
    assert new(site, hook, "a", "b", "c") == []


def test_highest_numbers_and_latest_dates(site: Site) -> None:
    number = {"logic": "removeItemsUpToStoredIncrementalKey", "incrementalDedupeValue": "={{ $json.id }}"}
    hook = hook_for(site, dedupe(**number))
    assert new(site, hook, 5, 3) == [3, 5]
    assert new(site, hook, 4, 5.5, 6) == [5.5, 6]
    date = {"logic": "removeItemsUpToStoredDate", "dateDedupeValue": "={{ $json.id }}"}
    hook = hook_for(site, dedupe(**date))
    assert new(site, hook, "2024-01-05") == ["2024-01-05"]
    assert new(site, hook, "2024-01-04", "2024-01-05T00:00:00.001Z") == ["2024-01-05T00:00:00.001Z"]


def test_of_executions_at_once_one_takes_each_value(site: Site) -> None:
    hook = hook_for(site, dedupe())
    with ThreadPoolExecutor(8) as callers:
        taken = list(callers.map(lambda _: new(site, hook, *range(50)), range(8)))
    assert sorted(value for values in taken for value in values) == list(range(50))


def test_a_history_is_of_one_size_and_kind_until_it_is_cleared(site: Site) -> None:
    scope = {"scope": "workflow", "historySize": 2}
    clear = node("Clear", "removeDuplicates", {"operation": "clearDeduplicationHistory", "options": scope}, 2)
    hook = hook_for(site, dedupe(options=scope))
    assert new(site, hook, 1, 2) == [1, 2]
    assert site.call("POST", hook.path, {"ids": [3, 4, 5]}).status == 500
    assert site.latest(hook)["error"]["message"].startswith("The number of items to be processed exceeds")
    document = site.server.get(f"/api/v1/workflows/{hook.workflow_id}").body
    document["nodes"].append(clear)
    document["connections"]["Items"]["main"][0][0]["node"] = "Clear"
    document["connections"]["Clear"] = {"main": [[{"node": "Dedupe", "type": "main", "index": 0}]]}
    assert site.server.call("PUT", f"/api/v1/workflows/{hook.workflow_id}", document).status == 200
    assert new(site, hook, 1, 3) == [1, 3]
    assert site.query(
        "SELECT h.kind, h.size, count(*) FROM deduplication_histories AS h JOIN deduplication_values AS v"
        " USING (workflow_id, scope) WHERE h.workflow_id = %s GROUP BY h.kind, h.size",
        hook.workflow_id,
    ) == [("values", 2, 2)]


def test_a_full_history_forgets_what_it_has_not_seen_for_longest(site: Site) -> None:
    hook = hook_for(site, dedupe(options={"historySize": 10}))
    for ids in ([1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]):
        assert new(site, hook, *ids) == ids
    assert new(site, hook, 12, 3) == []
    assert new(site, hook, 1, 2) == [1, 2]
    assert new(site, hook, 3, 12) == []
    assert new(site, hook, 4, 5) == [4, 5]
    assert site.query(
        "SELECT h.size, count(*) FROM deduplication_histories AS h JOIN deduplication_values AS v"
        " USING (workflow_id, scope) WHERE h.workflow_id = %s GROUP BY h.size",
        hook.workflow_id,
    ) == [(10, 10)]


def test_a_history_that_is_made_smaller_keeps_the_latest(site: Site) -> None:
    hook = hook_for(site, dedupe(options={"historySize": "={{ $json.id > 10 ? 2 : 5 }}"}))
    assert new(site, hook, 1, 2, 3, 4, 5) == [1, 2, 3, 4, 5]
    assert new(site, hook, 11) == [11]
    assert new(site, hook, 5) == []
    assert new(site, hook, 4) == [4]


def test_it_goes_with_its_workflow(site: Site) -> None:
    hook = hook_for(site, dedupe())
    new(site, hook, 1)
    assert site.server.post(f"/api/v1/workflows/{hook.workflow_id}/deactivate").status == 200
    assert site.server.call("DELETE", f"/api/v1/workflows/{hook.workflow_id}").status == 200
    query = "SELECT count(*) FROM deduplication_values WHERE workflow_id = %s"
    assert site.query(query, hook.workflow_id) == [(0,)]
