"""n8n's packages: exported here, and imported here."""

import gzip

import pytest

from app.repository import workflows
from app.schemas import archives
from tests.api.conftest import Api
from tests.api.workflows.packing import bring, exported
from tests.workflows import chain, node

CREDENTIAL = {"name": "Shop key", "type": "httpHeaderAuth", "data": {"name": "X-Key", "value": "a secret"}}


@pytest.fixture
def api(api: Api, make_app, tmp_path) -> Api:
    api.client = make_app(EXECUTIONS_HOME=str(tmp_path)).test_client()
    return api


@pytest.fixture
def shop(api: Api) -> str:
    """A workflow that uses a credential."""
    credential = api.post("/credentials", CREDENTIAL).json["id"]
    named = {"httpHeaderAuth": {"id": credential, "name": "Shop key"}}
    asks = node("Ask", "httpRequest", {"url": "http://x"}, 4.2, id="2", credentials=named)
    return api.post("/workflows", chain(node("Start", "manualTrigger", id="1"), asks, name="My Shop!")).json["id"]


def test_a_package_looks_like_n8ns(api, shop) -> None:
    package = exported(api, shop)
    files = archives.read_files(package)
    folder = f"workflows/my-shop-{shop}"
    manifest = files["manifest.json"]
    assert manifest["workflows"] == [{"id": shop, "name": "My Shop!", "target": folder}]
    [needed] = manifest["requirements"]["credentials"]
    assert (needed["name"], needed["type"], needed["usedByWorkflows"]) == ("Shop key", "httpHeaderAuth", [shop])
    assert list(files[f"{folder}/workflow.json"]) == [
        *("id", "name", "nodes", "connections", "settings", "versionId", "parentFolderId", "isArchived", "tagIds")
    ]
    assert files[f"{folder}/workflow-metadata.json"] == {"publishedVersionId": None}
    assert b"a secret" not in gzip.decompress(package)
    for body, status in (
        ({}, 400),
        ({"workflowIds": []}, 400),
        ({"workflowIds": ["nosuch"]}, 404),
        ({"workflowIds": [shop], "includeTags": 7}, 400),
    ):
        assert api.post("/n8n-packages/export", body).status_code == status


def test_a_package_comes_back_into_another_project(api, shop) -> None:
    api.project("b")
    package = exported(api, shop)
    answer = bring(api, package, workflowConflictPolicy="fail", projectId="b")
    assert answer.status_code == 200, answer.json
    [one] = answer.json["workflows"]
    assert (one["status"], one["projectId"], one["name"]) == ("created", "b", "My Shop!")
    assert one["localId"] != shop
    assert answer.json["bindings"]["workflows"] == {shop: one["localId"]}
    [(source, stub)] = answer.json["bindings"]["credentials"].items()
    assert answer.json["credentials"] == {"matched": [], "stubbed": [source]}
    assert api.get(f"/credentials/{stub}").json["projectId"] == "b"
    copy = api.get(f"/workflows/{one['localId']}").json
    assert copy["nodes"][1]["credentials"]["httpHeaderAuth"]["id"] == stub
    assert copy["active"] is False


def test_what_is_here_already(api, shop) -> None:
    package = exported(api, shop)
    refused = bring(api, package, workflowConflictPolicy="fail")
    assert refused.status_code == 409
    assert refused.json["issues"][0]["existingWorkflowId"] == shop
    changed = api.put(f"/workflows/{shop}", chain(node("Start", "manualTrigger", id="1"), name="Changed")).json
    skipped = bring(api, package, workflowConflictPolicy="skip").json["workflows"][0]
    assert (skipped["status"], api.get(f"/workflows/{shop}").json["name"]) == ("skipped", "Changed")
    updated = bring(api, package, workflowConflictPolicy="new-version").json
    assert updated["workflows"][0]["status"] == "updated"
    assert len(updated["credentials"]["matched"]) == 1
    now = api.get(f"/workflows/{shop}").json
    assert (now["name"], now["versionId"] != changed["versionId"]) == ("My Shop!", True)
    api.delete(f"/workflows/{shop}")
    again = bring(api, package, workflowConflictPolicy="fail").json["workflows"][0]
    assert (again["status"], again["localId"]) == ("created", shop)
    api.delete(f"/workflows/{shop}")
    fresh = bring(api, package, workflowConflictPolicy="fail", workflowIdPolicy="new").json["workflows"][0]
    assert fresh["localId"] != shop


def test_an_import_that_asks_for_what_cannot_be(api, shop) -> None:
    package = exported(api, shop)
    for form in ({}, {"workflowConflictPolicy": "x"}, {"workflowConflictPolicy": "skip", "folderId": "x"}):
        assert bring(api, package, **form).status_code == 400
    assert bring(api, None, workflowConflictPolicy="skip").status_code == 400
    assert bring(api, package, workflowConflictPolicy="skip", projectId="nosuch").status_code == 404
    api.project("b")
    missing = bring(api, package, workflowConflictPolicy="skip", projectId="b", credentialMissingMode="must-preexist")
    assert missing.status_code == 409
    assert [each["projectId"] for each in api.get("/workflows").json["data"]] == ["default"]
    limited = api.with_key("of b", "*", project_id="b")
    assert limited.post("/n8n-packages/export", {"workflowIds": [shop]}).status_code == 404
    assert bring(limited, package, workflowConflictPolicy="skip", projectId="default").status_code == 404


def test_a_package_that_nobody_could_import_is_not_made(api, shop, monkeypatch) -> None:
    size = len(workflows.get_workflow(api.db, shop).definition)
    monkeypatch.setattr("app.api.workflows.exports.MAX_BYTES", size)
    twice = {"workflowIds": [shop, shop]}
    assert api.post("/n8n-packages/export", twice).status_code == 200
    monkeypatch.setattr("app.api.workflows.exports.MAX_BYTES", size - 1)
    answer = api.post("/n8n-packages/export", twice)
    assert (answer.status_code, answer.json["message"]) == (400, "A package holds at most 0 MB")


def test_sub_workflows_travel_as_the_policy_says(api) -> None:
    child = api.post("/workflows", chain(node("Start", "manualTrigger", id="1"), name="Child")).json["id"]
    named = {"workflowId": {"__rl": True, "mode": "id", "value": child}}
    calls = node("Call", "executeWorkflow", named, 1.2, id="2")
    parent = api.post("/workflows", chain(node("Start", "manualTrigger", id="1"), calls, name="Parent")).json["id"]

    def names(policy: str) -> set[str]:
        body = {"workflowIds": [parent], "missingWorkflowDependencyPolicy": policy}
        package = api.post("/n8n-packages/export", body).data
        return {entry["name"] for entry in archives.read_files(package)["manifest.json"]["workflows"]}

    refused = api.post("/n8n-packages/export", {"workflowIds": [parent]})
    assert (refused.status_code, child in refused.json["message"]) == (400, True)
    assert names("reference-only") == {"Parent"}
    assert names("include-in-package") == {"Parent", "Child"}


def test_what_a_package_carries_and_leaves(api, shop) -> None:
    tag = api.post("/tags", {"name": "sales"}).json["id"]
    assert api.put(f"/workflows/{shop}/tags", [{"id": tag}]).status_code == 200
    package = exported(api, shop)
    assert archives.read_archive(package).tags == {tag: "sales"}
    without = api.post("/n8n-packages/export", {"workflowIds": [shop], "includeTags": False})
    assert without.headers["X-N8n-Export-Counts"].endswith('"tags":0}')
    api.put(f"/workflows/{shop}/tags", [])
    come = {"workflowConflictPolicy": "new-version"}
    assert bring(api, package, **come).json["tags"]["matched"] == ["sales"]
    assert [each["id"] for each in api.get(f"/workflows/{shop}/tags").json] == [tag]
    api.put(f"/tags/{tag}", {"name": "other"})
    assert bring(api, package, **come).json["tags"]["skipped"] == ["sales"]
    assert bring(api, package, **come, tagConflictPolicy="fail").status_code == 409
    assert bring(api, package, **come, tagConflictPolicy="rename").json["tags"]["renamed"] == ["sales"]
    api.delete(f"/tags/{tag}")
    assert bring(api, package, **come, tagMissingMode="do-nothing").json["tags"]["skipped"] == ["sales"]
    limited = api.with_key("of imports", "workflow:import")
    assert bring(limited, package, **come).status_code == 403
    assert bring(api, package, **come).json["tags"]["created"] == ["sales"]
    api.delete(f"/tags/{tag}")
    here = api.post("/tags", {"name": "sales"}).json["id"]
    assert bring(api, package, **come, tagConflictPolicy="rename").json["tags"]["reconciled"] == ["sales"]
    assert [each["id"] for each in api.get(f"/workflows/{shop}/tags").json] == [here]


def test_what_stands_for_the_credentials_of_a_package(api, shop) -> None:
    api.project("b")
    package = exported(api, shop)
    [there] = archives.read_archive(package).credentials
    mine = api.post("/credentials", {**CREDENTIAL, "projectId": "b"}).json["id"]
    other = api.post("/credentials", {**CREDENTIAL, "name": "Another", "projectId": "b"}).json["id"]
    wrong = api.post("/credentials", {"name": "w", "type": "jwtAuth", "data": {}, "projectId": "b"}).json["id"]
    come = {"workflowConflictPolicy": "new-version", "projectId": "b", "workflowIdPolicy": "new"}

    def bound(**form: str) -> str:
        return bring(api, package, **come, **form).json["bindings"]["credentials"][there]

    assert bound(credentialMatchingMode="name-and-type") == mine
    assert bound(credentialMatchingMode="type-only") == other
    assert bound(bindings=f'{{"credentials": {{"{there}": "{mine}"}}}}', credentialMatchingMode="type-only") == mine
    for bindings, status in (
        (f'{{"credentials": {{"{there}": "{wrong}"}}}}', 400),
        ('{"credentials": {"x": 7}}', 400),
        ('{"workflows": {}}', 400),
        ("[", 400),
        (f'{{"credentials": {{"{there}": "{mine}", "nosuch": "{mine}"}}}}', 400),
    ):
        assert bring(api, package, **come, bindings=bindings).status_code == status
    absent = bring(api, package, **come, credentialMatchingMode="name-and-type", variableMissingMode="do-nothing")
    assert absent.status_code == 200
    assert bring(api, package, **come, variableMissingMode="x").status_code == 400


def test_what_becomes_of_the_triggers(api, shop) -> None:
    hook = api.post("/workflows", chain(node("Hook", "webhook", {"path": "packed"}, 2, id="1"))).json["id"]
    drafts = exported(api, hook)
    api.post(f"/workflows/{hook}/publish")
    package = exported(api, hook, shop)
    come = {"workflowConflictPolicy": "new-version"}

    def state(package: bytes = package, who: Api = api, **form: str) -> tuple[str, bool]:
        answer = bring(who, package, **come, **form).json
        [one] = [each for each in answer["workflows"] if each["localId"] == hook]
        read = api.get(f"/workflows/{hook}").json
        assert one["activeVersionId"] == read["activeVersionId"]
        return one["publishing"]["state"], read["activeVersionId"] == read["versionId"]

    api.put(f"/workflows/{hook}?publishIfActive=false", chain(node("Hook", "webhook", {"path": "x"}, 2, id="1")))
    limited = api.with_key("of imports", "workflow:import")
    assert state(who=limited) == ("unchanged", False)
    assert bring(limited, package, **come, workflowPublishingPolicy="publish-all").status_code == 403
    assert state() == ("published", True)
    assert state(workflowPublishingPolicy="unpublish-all") == ("unpublished", False)
    assert state() == ("unchanged", False)
    assert state(workflowPublishingPolicy="match-source") == ("published", True)
    assert state(drafts, workflowPublishingPolicy="match-source") == ("unpublished", False)
    assert state(workflowPublishingPolicy="publish-all") == ("published", True)
    failed = bring(api, package, **come, workflowPublishingPolicy="publish-all").json["workflows"]
    [one] = [each for each in failed if each["localId"] == shop]
    assert one["publishing"]["state"] == "failed"
    assert "trigger" in one["publishing"]["error"]
