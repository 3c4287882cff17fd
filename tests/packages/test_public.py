"""Packages that anybody may install, each run against a service that checks every request it sends.

They come from npm once and are kept (tests/packages/cache.py). Where npm cannot be reached the tests are skipped.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.engine import nodes
from app.engine.run.context import NodeContext
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.parsing import parse_workflow
from app.engine.run.ports import Ports
from app.engine.run.state import RunState
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from app.packages.errors import CannotInstall, RegistryUnreachable
from app.packages.host import Host
from app.packages.store import Store
from app.packages.types import Installed, Packages
from tests.engine.histories import MemoryHistory
from tests.engine.running import Engine, output_of
from tests.packages.cache import cache_folder, kept_manifest, public_packages
from tests.packages.service import Service, serving
from tests.workflows import START, chain, node, workflow

pytestmark = pytest.mark.slow

Json = dict[str, Any]
NAMES = (
    "@formbricks/n8n-nodes-formbricks",
    "@mendable/n8n-nodes-firecrawl",
    "@openhab/n8n-nodes-openhab",
    "@thingsboard/n8n-nodes-thingsboard",
    "n8n-nodes-convert-image",
    "n8n-nodes-evolution-api",
    "n8n-nodes-immojump",
    "n8n-nodes-jwt-validate",
    "n8n-nodes-minio",
    "n8n-nodes-turndown-html-to-markdown",
    "n8n-nodes-unifi-access",
)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class PublicEngine(Engine):
    """An engine with these packages, whose nodes may reach this machine."""

    def __init__(self) -> None:
        super().__init__()
        store, versions = Store(cache_folder()), dict(public_packages())
        self.manifests = {name: asyncio.run(kept_manifest(store, name, versions[name])) for name in NAMES}
        installed = [Installed(store.package(name, versions[name]), each) for name, each in self.manifests.items()]
        self.host = Host(store.root)
        self.types = Packages(self.host, installed).node_types(nodes.load())
        self.outgoing = Outgoing(AddressRules.parse("127.0.0.1"))

    def close(self) -> None:
        self.wait_for(self.host.__aexit__(None, None, None))
        self.wait_for(self.outgoing.__aexit__(None, None, None))
        super().close()

    def run_node(self, kind: str, parameters: Json, items: list[Json], credentials: Json) -> Json:
        """The last run of a node of this type, as it is recorded."""

        async def read(_: str, name: str) -> Json | None:
            return credentials.get(name)

        named = {name: {"id": "1", "name": name} for name in credentials}
        workflow = chain(START, node("Node", kind, parameters, credentials=named)) | {"pinData": {START["name"]: items}}
        ports = replace(Ports(history=MemoryHistory()), outgoing=self.outgoing, credentials=read)
        return self.run(workflow, ports=ports).data["resultData"]["runData"]["Node"][-1]


@pytest.fixture(scope="module")
def engine() -> Iterator[PublicEngine]:
    try:
        engine = PublicEngine()
    except RegistryUnreachable as error:
        pytest.skip(f"the public packages are not here yet, and {error}")
    except CannotInstall as error:
        pytest.fail(str(error))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving() as service:
        yield service


@dataclass(frozen=True)
class Case:
    """A node that is run with one item, {"n": 1}, what the service answers, and what then is to be seen.

    `URL` in texts stands for the service. Of headers only those named are compared.
    """

    kind: str
    parameters: Json
    output: Any
    requests: list[tuple[str, str, dict[str, str], Any]]
    credentials: Json
    answers: Json


CASES = {
    "imperative, over a library of its own": Case(
        "n8n-nodes-evolution-api.evolutionApi",
        {"resource": "instances-api", "operation": "fetch-instances"},
        [{"success": True, "data": [{"name": "a"}]}],
        [("GET", "/instance/fetchInstances", {"apikey": "k"}, None)],
        {"evolutionApi": {"server-url": "URL", "apikey": "k"}},
        {"GET /instance/fetchInstances": [{"name": "a"}]},
    ),
    "declarative, with a body": Case(
        "@mendable/n8n-nodes-firecrawl.firecrawl",
        {"resource": "Scraping", "operation": "scrape", "url": "={{ 'https://x.example/' + $json.n }}"},
        [{"success": True}],
        [("POST", "/v2/scrape", {"authorization": "Bearer k"}, {"integration": "n8n", "url": "https://x.example/1"})],
        {"firecrawlApi": {"baseUrl": "URL/v2", "apiKey": "k"}},
        {"POST /v2/scrape": {"success": True}},
    ),
    "declarative, with expressions and a query": Case(
        "n8n-nodes-immojump.immojump",
        {"resource": "immobilie", "operation": "getAll", "perPage": 5},
        [{"id": "i1"}],
        [
            (
                "GET",
                "/api/v2/immobilien?organisation_id=o1&page=1&per_page=5",
                {"authorization": "Bearer t", "x-organisation-id": "o1"},
                None,
            )
        ],
        {"immojumpApi": {"baseUrl": "URL/", "token": "t", "organisationId": "o1"}},
        {"GET /api/v2/immobilien": {"id": "i1"}},
    ),
    "imperative, with a declared authentication": Case(
        "n8n-nodes-unifi-access.unifiAccess",
        {"resource": "user", "operation": "getAll"},
        [{"id": "u1"}],
        [("GET", "/api/v1/developer/users", {"authorization": "Bearer t"}, None)],
        {"unifiAccessApi": {"url": "URL", "accessToken": "t"}},
        {"GET /api/v1/developer/users": {"code": "SUCCESS", "data": [{"id": "u1"}]}},
    ),
    "imperative, with an authentication of expressions": Case(
        "@openhab/n8n-nodes-openhab.openHab",
        {"resource": "item", "itemOperation": "list"},
        [{"name": "Lamp"}],
        [("GET", "/rest/items", {"authorization": "Bearer t"}, None)],
        {"openHABApi": {"authType": "token", "token": "t", "baseUrlLocal": "URL"}},
        {"GET /rest/items": [{"name": "Lamp"}]},
    ),
    "with a token that is fetched before": Case(
        "@thingsboard/n8n-nodes-thingsboard.thingsBoard",
        {
            "authentication": "usernamePassword",
            "resource": "device",
            "operation": "getDeviceById",
            "deviceId": "=d{{ $json.n }}",
        },
        [{"id": {"id": "d1"}}],
        [
            ("POST", "/api/auth/login", {}, {"username": "u", "password": "p"}),
            ("GET", "/api/system/info", {"x-authorization": "Bearer token"}, None),
            ("GET", "/api/device/d1", {"x-authorization": "Bearer token"}, None),
        ],
        {"thingsBoardUsernamePasswordApi": {"baseUrl": "URL", "username": "u", "password": "p"}},
        {"POST /api/auth/login": {"token": "token"}, "GET /api/device/d1": {"id": {"id": "d1"}}},
    ),
    "with libraries, and no request": Case(
        "n8n-nodes-turndown-html-to-markdown.mdTurndown",
        {"input": "=<h1>Item {{ $json.n }}</h1>"},
        [{"n": 1, "data": "Item 1\n======"}],
        [],
        {},
        {},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_nodes_of_public_packages_send_the_right_requests(engine, service, case):
    service.answers = case.answers
    service.take()
    credentials = json.loads(json.dumps(case.credentials).replace("URL", service.url))
    run = engine.run_node(case.kind, case.parameters, [{"json": {"n": 1}}], credentials)
    assert "error" not in run, run["error"]
    assert [item["json"] for item in run["data"]["main"][0]] == case.output
    asked = zip(service.take(), case.requests, strict=True)
    for (method, path, headers, body), expected in asked:
        seen = {name: headers.get(name) for name in expected[2]}
        assert (method, path, seen, body) == expected


def test_one_makes_a_picture(engine, service):
    service.take()
    parameters = {"inputType": "base64", "base64Field": "data", "outputFileFormat": "image/bmp", "outputType": "file"}
    run = engine.run_node("n8n-nodes-convert-image.imageFormatConverter", parameters, [{"json": {"data": PIXEL}}], {})
    [item] = run["data"]["main"][0]
    picture = item["binary"]["data"]
    assert picture["mimeType"] == "image/bmp"
    assert picture["data"].startswith("Qk08")
    assert service.take() == []


def test_one_asks_for_keys_by_itself(engine, service):
    key = rsa.generate_private_key(65_537, 2_048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    service.answers = {"GET /keys": {"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]}}
    service.take()
    parameters = {"operation": "validate", "jwksConfig": "customUrl", "jwksUrl": f"{service.url}/keys"}
    token = jwt.encode({"sub": "ada"}, key, algorithm="RS256", headers={"kid": "k1"})
    run = engine.run_node("n8n-nodes-jwt-validate.jwtValidate", {**parameters, "jwtToken": token}, [{"json": {}}], {})
    assert run["data"]["main"][0][0]["json"] == {"jwtValid": True, "jwtPayload": {"sub": "ada"}}
    assert [(method, path) for method, path, *_ in service.take()] == [("GET", "/keys")]


def test_one_signs_its_requests(engine, service):
    place = '<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">here-1</LocationConstraint>'
    service.answers = {"GET /pictures": place, "DELETE /pictures/a.png": ""}
    service.take()
    host, port = service.url.removeprefix("http://").split(":")
    held = {"endPoint": host, "port": int(port), "accessKeyId": "id", "accessKeySecret": "secret", "useSSL": False}
    parameters = {
        "resource": "object",
        "operation": "removeObject",
        "bucket": {"__rl": True, "mode": "id", "value": "pictures"},
        "key": "a.png",
    }
    run = engine.run_node("n8n-nodes-minio.minioNode", parameters, [{"json": {}}], {"minioCredentialsApi": held})
    assert "error" not in run, run["error"]
    asked = service.take()
    assert [(method, path) for method, path, *_ in asked] == [
        ("GET", "/pictures?location"),
        ("DELETE", "/pictures/a.png"),
    ]
    assert all(headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=id/") for _, _, headers, _ in asked)
    assert "secret" not in json.dumps(asked)


def test_what_a_service_refuses_is_told_as_users_know_it(engine, service):
    service.answers = {}
    held = {"immojumpApi": {"baseUrl": service.url, "token": "t", "organisationId": "o1"}}
    run = engine.run_node("n8n-nodes-immojump.immojump", {"operation": "getAll"}, [{"json": {}}], held)
    error = run["error"]
    assert (error["name"], error["httpCode"], error["description"]) == ("NodeApiError", "404", "no such thing")
    assert error["message"] == "The resource you are requesting could not be found"


def test_a_trigger_has_its_service_call_it_and_starts_with_the_call(engine, service):
    kind, url = "@formbricks/n8n-nodes-formbricks.formbricks", "https://here.example/webhook/x/webhook"
    named = {"formbricksApi": {"id": "1", "name": "F"}}
    asked = {"events": ["responseFinished"], "surveyIds": ["s1"]}
    document = workflow([node("Start", kind, asked, credentials=named)], id="w1")
    state = RunState(parse_workflow(document, engine.types))

    async def read(*_: str) -> Json:
        return {"host": service.url, "apiKey": "k"}

    ports = replace(Ports(history=MemoryHistory()), outgoing=engine.outgoing, credentials=read)
    start, sandbox = state.graph.nodes["Start"], engine.sandbox.for_project("p")
    context = NodeContext(start, [[{"json": {}}]], None, 0, state, sandbox, ExecutionInfo("", "trigger", ports))
    service.answers = {
        "GET /api/v1/webhooks": {"data": [{"id": "h0", "url": "https://elsewhere.example", "surveyIds": ["s1"]}]},
        "POST /api/v1/webhooks": {"data": {"id": "h1"}},
        "DELETE /api/v1/webhooks/h1": {},
    }
    service.take()
    engine.wait_for(start.kind.arrange(context, "create", {"default": url}))
    assert state.static_data.changes() == {"node:Start": {"webhookId": "h1"}}
    engine.wait_for(start.kind.arrange(context, "delete", {"default": url}))
    assert state.static_data.changes() == {"node:Start": {}}
    requests = service.take()
    assert [(method, path) for method, path, *_ in requests] == [
        ("GET", "/api/v1/webhooks"),
        ("POST", "/api/v1/webhooks"),
        ("DELETE", "/api/v1/webhooks/h1"),
    ]
    assert {headers["x-api-key"] for _, _, headers, _ in requests} == {"k"}
    assert requests[1][3] == {"url": url, "triggers": ["responseFinished"], "surveyIds": ["s1"], "source": "n8n"}
    came = {"name": "default", "method": "POST", "path": "/x", "headers": {}, "query": {}, "params": {}, "rawBody": ""}
    items = [{"json": {"webhookCall": {**came, "body": {"event": "responseFinished"}}}}]
    outcome = engine.run(document, mode="webhook", start_node="Start", items=items, ports=ports)
    assert output_of(outcome, "Start") == [{"event": "responseFinished"}]
