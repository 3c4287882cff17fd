"""One API and one worker for all tests of webhooks in a process, and a short way to put workflows behind paths."""

import http.client
import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
import pytest

from tests import live
from tests.patience import PATIENCE_SECONDS
from tests.postgres import cloned_database
from tests.workflows import Json, chain, code, node, workflow


@dataclass(frozen=True)
class Said:
    """What a caller got: header names are in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.content)

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def message(self) -> str:
        return self.json["message"]


@dataclass(frozen=True)
class Hook:
    """An active workflow behind a webhook; `path` is what is called below /webhook/."""

    workflow_id: str
    path: str


class Site:
    """A running API with a worker behind it."""

    def __init__(self, server: live.LiveServer, database_url: str) -> None:
        self.server = server
        self.database_url = database_url

    def save(self, nodes: list[Json], *lines: tuple[str, int, str, int], name: str = "Test", **settings: Any) -> str:
        """Store a workflow whose nodes follow one another, or are connected by `lines`; returns its id."""
        more = {"name": name, "settings": settings}
        body = workflow(nodes, *lines, **more) if lines else chain(*nodes, **more)
        answer = self.server.post("/api/v1/workflows", body)
        assert answer.status == 200, answer.body
        return answer.body["id"]

    def activate(self, workflow_id: str) -> live.Answer:
        return self.server.post(f"/api/v1/workflows/{workflow_id}/activate")

    def add(self, webhook: Json, *nodes: Json, **settings: Any) -> Hook:
        """Store and activate a workflow of a webhook and the nodes after it."""
        workflow_id = self.save([webhook, *nodes], **settings)
        answer = self.activate(workflow_id)
        assert answer.status == 200, answer.body
        path = webhook["parameters"]["path"]
        return Hook(workflow_id, f"{webhook['webhookId']}/{path}" if ":" in path else path)

    def call(self, method: str, path: str, body: Any = None, *, base: str = "/webhook/", **headers: str) -> Said:
        """Call without an API key; `headers` spell `_` for `-`, and a body that is no bytes goes as JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(self.server.url.removeprefix("http://"), timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, base + path, body, sent)
            answer = connection.getresponse()
            headers_seen = {name.lower(): value for name, value in answer.getheaders()}
            return Said(answer.status, headers_seen, answer.read())
        finally:
            connection.close()

    def answer(self, webhook: Json, *nodes: Json, method: str = "GET", body: Any = None, **headers: str) -> Said:
        """What one call to a new workflow of these nodes gets."""
        return self.call(method, self.add(webhook, *nodes).path, body, **headers)

    def latest(self, hook: Hook) -> Json:
        """The newest execution of a workflow, with its data."""
        path = f"/api/v1/executions?workflowId={hook.workflow_id}&limit=1&includeData=true"
        return self.server.get(path).body["data"][0]

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(statement, parameters).fetchall()


@pytest.fixture(scope="session")
def site(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        database_url = stack.enter_context(cloned_database(postgres_url))
        port = live.free_port()
        own = {
            "EXECUTIONS_WEBHOOK_URL": f"http://127.0.0.1:{port}",
            "EXECUTIONS_ENCRYPTION_KEY": "k",
            "EXECUTIONS_ALLOWED_HOSTS": "127.0.0.1",
        }
        server = live.start_server(database_url, home, PORT=port, **own)
        stack.callback(server.child.stop)
        worker = live.start_worker(database_url, home, **own)
        stack.callback(worker.stop)
        yield Site(server, database_url)


def credential(site: Site, kind: str, **data: str) -> dict[str, Any]:
    """A new credential, as a node names it."""
    answer = site.server.post("/api/v1/credentials", {"name": "test", "type": kind, "data": data})
    assert answer.status == 200, answer.body
    return {kind: {"id": answer.body["id"], "name": "test"}}


def webhook(version: float = 2, path: str | None = None, **parameters: Any) -> Json:
    """A Webhook node at a path of its own; answers with the last node's first item unless told otherwise."""
    given = {"path": path or f"t-{uuid.uuid4().hex[:8]}", "responseMode": "lastNode", "options": {}, **parameters}
    return node("Webhook", "webhook", given, version, webhookId=str(uuid.uuid4()))


def respond(version: float = 1.1, **parameters: Any) -> Json:
    return node("Respond", "respondToWebhook", parameters, version)


ECHO = code("return $input.all().map(item => ({json: {json: item.json, binary: item.binary}}))", "Echo")
ONE = code("return [{json: {a: 1}}]", "One")
TWO = code("return [{json: {n: 1, s: 'x'}}, {json: {n: 2}}]", "Two")
NONE = code("return []", "None")
FAILS = node("Fails", "stopAndError", {"errorMessage": "boo"})
FILE = code(
    "return [{json: {}, binary: {data: {data: 'aGV5', mimeType: 'image/png', fileName: 'a.png'}}}]",
    "File",
)
JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"


def by_node(**options: Any) -> dict[str, Any]:
    return webhook(responseMode="responseNode", options=options)


def headers(**values: str) -> dict[str, Any]:
    return {"entries": [{"name": name.replace("_", "-"), "value": value} for name, value in values.items()]}


def status(code: int) -> dict[str, Any]:
    return {"values": {"responseCode": code}}
