"""Answers have what n8n's own OpenAPI document (2.40.7) says must be there, so that clients made from it can read them.

A table of facts: of each object the names that must be there and the kind of each, `?` where it may be null. Ids of
executions are texts, as this API's own document says.
"""

from typing import Any

import pytest

from tests.workflows import START, chain, node, stop_and_error

KINDS = {"text": str, "number": (int, float), "flag": bool, "list": list, "object": dict}
NAMED = "id text, name text, createdAt text, updatedAt text"
PROJECT = f"{NAMED}, type text, icon object?, description text?, customTelemetryTags list, creatorId text?"
ACTIVE_VERSION = (
    "versionId text, workflowId text, nodes list, connections object, nodeGroups list, authors text, name text?, "
    "description text?, autosaved flag, createdAt text, updatedAt text, workflowPublishHistory list"
)
WORKFLOW = (
    f"{NAMED}, description text?, active flag, activeVersionId text?, isArchived flag, versionId text, "
    "versionCounter number, sourceWorkflowId text?, triggerCount number, nodes list, connections object, "
    "nodeGroups list, settings object?, staticData object?, meta object?, shared list, activeVersion object?, "
    "parentFolder object?"
)
SHARED = "role text, workflowId text, projectId text, project object, createdAt text, updatedAt text"
EXECUTION = (
    "id text, finished flag, mode text, retryOf text?, retrySuccessId text?, status text, createdAt text, "
    "startedAt text?, stoppedAt text?, deletedAt text?, workflowId text, waitTill text?, storedAt text, "
    "tracingContext object?, deduplicationKey text?, jsonSizeBytes number, binaryDataSizeBytes number, "
    "workflowVersionId text?, usedPrivateCredentials flag"
)
CREDENTIAL = (
    f"{NAMED}, type text, isManaged flag, isGlobal flag, isResolvable flag, resolvableAllowFallback flag, "
    "resolverId text?"
)
TABLE = f"{NAMED}, columns list, projectId text, sizeBytes number"


def check(shape: str, document: dict[str, Any]) -> None:
    for entry in shape.split(", "):
        name, kind = entry.split()
        assert name in document, name
        value = document[name]
        if value is None:
            assert kind.endswith("?"), name
            continue
        assert isinstance(value, KINDS[kind.rstrip("?")]), name
        assert isinstance(value, bool) == (kind == "flag"), name


def page(answer: Any) -> dict[str, Any]:
    """The first of a list."""
    assert answer.status_code == 200
    assert answer.json["nextCursor"] is None or isinstance(answer.json["nextCursor"], str)
    return answer.json["data"][0]


def body(answer: Any) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.json
    return answer.json


def check_workflow(document: dict[str, Any]) -> None:
    check(WORKFLOW, document)
    for owner in document["shared"]:
        check(SHARED, owner)
        check(PROJECT, owner["project"])
    if document["activeVersion"]:
        check(ACTIVE_VERSION, document["activeVersion"])


def test_workflows(api) -> None:
    document = chain(node("Hook", "webhook", {"path": "shapes"}, 2), stop_and_error(), name="Shapes")
    made = body(api.post("/workflows", document))
    path = f"/workflows/{made['id']}"
    answers = [made, page(api.get("/workflows")), body(api.get(path)), body(api.put(path, {**document, "name": "New"}))]
    answers += [body(api.post(f"{path}/{act}")) for act in ("activate", "deactivate", "publish")]
    assert answers[-1]["activeVersion"]
    answers += [page(api.get("/workflows")), body(api.get(path)), body(api.post(f"{path}/unpublish"))]
    for answer in [*answers, body(api.delete(path))]:
        check_workflow(answer)


def test_executions(api) -> None:
    workflow = api.workflow(**chain(START, stop_and_error()))
    number = api.ended(workflow, "error")
    path = f"/executions/{number}"
    retried = body(api.post(f"{path}/retry"))
    check(f"{EXECUTION}, data object, workflowData object, customData object", retried)
    assert retried["annotation"] == {"id": 0, "vote": None, "tags": []}
    stopped = body(api.post(f"/executions/{retried['id']}/stop"))
    for answer in (stopped, page(api.get("/executions")), body(api.get(path)), body(api.delete(path))):
        check(EXECUTION, answer)


def test_credentials(api, make_app, tmp_path) -> None:
    from tests.api.conftest import Api

    api = Api(make_app(EXECUTIONS_HOME=str(tmp_path)).test_client(), api.db)
    made = body(api.post("/credentials", {"name": "C", "type": "httpBasicAuth", "data": {}}))
    path = f"/credentials/{made['id']}"
    listed = page(api.get("/credentials"))
    check(f"{NAMED}, role text", listed["shared"][0])
    for answer in (made, listed, body(api.get(path)), body(api.patch(path, {"name": "D"}))):
        check(CREDENTIAL, answer)
    check("status text, message text", body(api.post(f"{path}/test")))
    check(f"{CREDENTIAL}, usageScope text", body(api.delete(path)))


def test_projects_variables_and_tags(api) -> None:
    made = body(api.post("/projects", {"name": "P"}))
    check(f"{PROJECT}, role text, scopes list", made)
    check(PROJECT, page(api.get("/projects")))
    body(api.post("/variables", {"key": "k", "value": "v", "projectId": made["id"]}))
    variable = page(api.get("/variables"))
    check("id text, key text, value text, type text, project object?", variable)
    check(PROJECT, variable["project"])
    check(NAMED, body(api.post("/tags", {"name": "t"})))
    check(NAMED, page(api.get("/tags")))


@pytest.mark.parametrize(
    ("returned", "shape"), [("count", None), ("id", "id number"), ("all", "id number, createdAt text, updatedAt text")]
)
def test_data_tables(api, returned: str, shape: str | None) -> None:
    made = body(api.post("/data-tables", {"name": "T", "columns": [{"name": "s", "type": "string"}]}))
    path = f"/data-tables/{made['id']}"
    for answer in (made, page(api.get("/data-tables")), body(api.get(path)), body(api.patch(path, {"name": "U"}))):
        check(TABLE, answer)
    column = "id text, name text, dataTableId text, type text, index number"
    check(column, api.get(f"{path}/columns").json[0])
    check(column, body(api.post(f"{path}/columns", {"name": "n", "type": "number"})))
    added = body(api.post(f"{path}/rows", {"data": [{"s": "a"}], "returnType": returned}))
    if shape is None:
        assert added == {"success": True, "insertedRows": 1}
    else:
        check(shape, added[0])
    check("id number, createdAt text, updatedAt text", page(api.get(f"{path}/rows")))
    check("deletedCount number", body(api.delete(f"{path}/rows/clear")))
