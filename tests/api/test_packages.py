"""Node packages over HTTP, and what their manifests mean for workflows and credentials."""

import threading
from typing import Any

import pytest
from msgspec import Raw

from app.packages import known_packages
from app.packages.manifest import Broken, Description, Manifest, PackagedCredential, PackagedNode
from app.repository import node_package_wishes, node_packages
from app.repository.node_packages import NewNodePackage
from tests.api.test_shapes import check
from tests.patience import wait_until
from tests.workflows import START, chain, node

NAME = "n8n-nodes-greet"
PACKAGE = (
    "packageName text, installedVersion text, authorName text, authorEmail text, installedNodes list, "
    "createdAt text, updatedAt text, failedLoading flag"
)
DESCRIPTION = b"""{
    "displayName": "Greet", "group": ["transform"], "inputs": ["main"], "outputs": ["main", "main"],
    "credentials": [{"name": "greetApi", "required": true, "displayOptions": {"show": {"polite": [true]}}}],
    "properties": [
        {"displayName": "Whom", "name": "whom", "type": "string", "default": "", "required": true},
        {"displayName": "Polite", "name": "polite", "type": "boolean", "default": false},
        {"displayName": "Title", "name": "title", "type": "string", "default": "", "required": true,
         "displayOptions": {"show": {"polite": [true], "@version": [{"_cnd": {"gte": 2}}]}}}]}"""
MANIFEST = Manifest(
    (
        PackagedNode(
            f"{NAME}.greet", "Greet.node.js", "Greet", (Description((1.0, 2.0), Raw(DESCRIPTION)),), ("execute",)
        ),
    ),
    (
        PackagedCredential(
            "greetApi",
            "Greet API",
            "GreetApi.credentials.js",
            "GreetApi",
            ("greetBaseApi",),
            (
                {"displayName": "Host", "name": "host", "type": "string", "required": True},
                {"displayName": "Kind", "name": "kind", "type": "options", "options": [{"value": "a"}, {"value": "b"}]},
                {"name": "secret", "type": "string", "required": True, "displayOptions": {"show": {"kind": ["b"]}}},
            ),
            {"type": "generic"},
        ),
        PackagedCredential(
            "greetBaseApi",
            "Base",
            "B.js",
            "B",
            properties=({"name": "port", "type": "number"}, {"name": "scope", "type": "hidden"}),
        ),
    ),
    (Broken("Old.node.js", "out of order"),),
)


def put(connection: Any, version: str = "1.0.0") -> None:
    nodes = [{"name": "Greet", "type": f"{NAME}.greet", "latestVersion": 2}]
    package = NewNodePackage(
        NAME, version, "sha512-", "MIT", "Ada", None, "{}", MANIFEST.to_json(), nodes, [f"{NAME}.greet"]
    )
    node_packages.put_package(connection, package)
    connection.commit()


@pytest.fixture
def greet(api, shared_app, connection):
    """A package that is listed, and known here."""
    put(connection)
    shared_app.extensions["executions"].packages.refresh()
    yield
    node_packages.remove_package(connection, NAME)
    connection.commit()
    shared_app.extensions["executions"].packages.refresh()


def as_worker(connection, worker_id: int, error: str | None = None) -> threading.Thread:
    """Carries out the next wish, as a worker does."""

    def work() -> None:
        def look() -> Any:
            connection.rollback()
            return node_package_wishes.take(connection, worker_id)

        wish = wait_until(look)
        if error is not None:
            node_package_wishes.fail(connection, worker_id, wish.name, error)
            connection.commit()
            return
        node_package_wishes.fulfil(connection, wish.name)
        put(connection, "1.0.0" if wish.version == "latest" else wish.version)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_worker_carries_out_what_is_asked_for(api, connect, connection, worker_id):
    assert api.get("/community-packages").json == []
    working = as_worker(connect(), worker_id)
    made = api.post("/community-packages", {"name": NAME})
    working.join()
    assert made.status_code == 200, made.json
    check(PACKAGE, made.json)
    assert (made.json["packageName"], made.json["installedVersion"]) == (NAME, "1.0.0")
    assert made.json["installedNodes"] == [{"name": "Greet", "type": f"{NAME}.greet", "latestVersion": 2}]
    assert api.post("/community-packages", {"name": NAME}).status_code == 400

    working = as_worker(connect(), worker_id)
    changed = api.call("PATCH", f"/api/v1/community-packages/{NAME}", {"version": "2.0.0"})
    working.join()
    assert changed.json["installedVersion"] == "2.0.0"
    node_packages.note_errors(connection, worker_id, {NAME: "no network"})
    connection.commit()
    [listed] = api.get("/community-packages").json
    check(PACKAGE, listed)
    assert listed["failedLoading"] is True
    assert api.delete(f"/community-packages/{NAME}").status_code == 204
    assert api.delete(f"/community-packages/{NAME}").status_code == 404


def test_what_cannot_be_installed_is_said(api, connect, worker_id):
    working = as_worker(connect(), worker_id, "npm's registry has no package n8n-nodes-greet")
    refused = api.post("/community-packages", {"name": NAME, "version": "1.0.0"})
    working.join()
    assert (refused.status_code, refused.json["message"]) == (400, "npm's registry has no package n8n-nodes-greet")
    assert api.get("/community-packages").json == []


def test_without_a_worker_nothing_is_begun(api, connection):
    assert api.post("/community-packages", {"name": NAME}).status_code == 503
    assert not node_package_wishes.read_outcome(connection, NAME).pending


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "../x"}, {"name": "x y"}, {"name": NAME, "version": "file:/x"}, {"name": NAME, "verify": True}],
)
def test_odd_packages_are_refused(api, worker_id, body):
    assert api.post("/community-packages", body).status_code == 400


def test_one_that_is_in_use_stays(api, greet):
    made = api.post("/workflows", workflow({"whom": "you"}, trigger=True)).json
    assert api.post(f"/workflows/{made['id']}/activate").status_code == 200
    refused = api.delete(f"/community-packages/{NAME}")
    assert refused.status_code == 409
    assert made["id"] in refused.json["message"]
    assert api.post(f"/workflows/{made['id']}/deactivate").status_code == 200


def workflow(parameters: dict[str, Any], version: float = 1, *, trigger: bool = False) -> dict[str, Any]:
    rule = {"rule": {"interval": [{"field": "hours"}]}}
    start = node("Start", "scheduleTrigger", rule) if trigger else START
    return chain(start, node("Greet", f"{NAME}.greet", parameters, typeVersion=version), name="Greeter", settings={})


def test_types_of_packages_are_known_and_checked_by_their_manifest(api, greet):
    unknown = api.post("/workflows", workflow({}, 3)).json["id"]
    refused = api.post(f"/workflows/{unknown}/run", {})
    assert refused.json["message"] == f"Node 'Greet': Node type {NAME}.greet has no version 3; known versions: 1, 2"
    lacking = api.post("/workflows", workflow({"polite": True}, 2, trigger=True)).json["id"]
    message = api.post(f"/workflows/{lacking}/activate").json["message"]
    assert "Missing required credential: greetApi" in message
    assert "Missing or invalid required parameters: whom, title" in message
    fine = api.post("/workflows", workflow({"whom": "you"}, 2)).json["id"]
    assert api.post(f"/workflows/{fine}/run", {}).status_code == 200


def test_types_of_packages_that_are_gone_are_unknown_again(api, shared_app, connection):
    made = api.post("/workflows", workflow({"whom": "you"})).json["id"]
    packages = shared_app.extensions["executions"].packages
    put(connection)
    packages.refresh()
    assert api.post(f"/workflows/{made}/run", {}).status_code == 200
    node_packages.remove_package(connection, NAME)
    connection.commit()
    packages.refresh()
    assert "Unrecognized node type" in api.post(f"/workflows/{made}/run", {}).json["message"]


def test_what_is_installed_is_known_before_anything_is_refused(api, shared_app, connection, monkeypatch):
    made = api.post("/workflows", workflow({"whom": "you"})).json["id"]
    packages = shared_app.extensions["executions"].packages
    monkeypatch.setattr(known_packages, "LOOK_SECONDS", 3600)
    packages.refresh()  # and from now on the thread looks when it is told to, and by itself no more
    unknown = api.post(f"/workflows/{made}/run", {}).json["message"]
    assert unknown.endswith(f"It is of the package {NAME}, which is not installed: `flask packages add {NAME}`")
    put(connection)
    assert api.post(f"/workflows/{made}/run", {}).status_code == 200
    node_packages.remove_package(connection, NAME)
    connection.commit()
    packages.refresh()
    assert api.get("/credentials/schema/greetApi").json.get("required") != ["host"]
    put(connection)
    assert api.get("/credentials/schema/greetApi").json["required"] == ["host"]
    node_packages.remove_package(connection, NAME)
    connection.commit()
    monkeypatch.undo()
    packages.refresh()


def test_credentials_are_checked_by_the_manifest(api, greet):
    schema = api.get("/credentials/schema/greetApi").json
    assert schema["required"] == ["host"]
    assert schema["properties"]["port"] == {"type": "number"}
    assert schema["properties"]["kind"] == {"type": "string", "enum": ["a", "b"]}
    assert "scope" not in schema["properties"]
    assert "allowedHttpRequestDomains" in schema["properties"]
    given = {"if": {"properties": {"kind": {"enum": ["b"]}}, "required": ["kind"]}}
    assert schema["allOf"] == [{**given, "then": {"allOf": [{"required": ["secret"]}]}}]

    def store(**data: Any) -> Any:
        return api.post("/credentials", {"name": "Greeter", "type": "greetApi", "data": data})

    assert store(host="h", port=1, kind="a", scope="hidden").status_code == 200
    for data in ({}, {"host": 7}, {"host": "h", "kind": "c"}, {"host": "h", "kind": "b"}, {"host": "h", "nosuch": 1}):
        assert store(**data).status_code == 400, data
