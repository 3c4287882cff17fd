"""What real clients of n8n were seen to send, sent again, in their order, to a real server of ours.

`requests.json` holds for each client its requests: method and path (`call`), `body`, the `status` that it needs, the
keys that the answer must have (`has`), values that it must say (`says`), whether a list must hold something
(`not_empty`), and what later paths and bodies take from the answer (`keep`). Names in braces are replaced; `anonymous`
goes without a key.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest

from app.key_text import new_key
from app.repository import api_keys, lifecycle, projects, users, workers, workflows
from app.repository.connection import connect
from tests import live
from tests.patience import PATIENCE_SECONDS
from tests.postgres import cloned_database
from tests.workflows import chain, node

REQUESTS: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("requests.json").read_text())
START = node("Start", "manualTrigger", id="1")
HOOK = node("Hook", "webhook", {"path": "recorded", "options": {}}, 2, webhookId="recorded", id="1")
FAILED = ("failed", "failed2", "failed3", "failed4")


class Replayed:
    """A server, the key that the clients have, and the names that stand in their requests."""

    def __init__(self, server: live.LiveServer, key: str, names: dict[str, str]) -> None:
        self.server = live.LiveServer(server.url, key, server.child)
        self.names = names

    def send(self, request: dict[str, Any], names: dict[str, str]) -> live.Answer:
        method, path = filled(request["call"], names).split(" ", 1)
        body: Any = request.get("body_text", filled(request.get("body"), names))
        headers = {} if request.get("content_type", "") == "" else {"Content_Type": request["content_type"]}
        if request.get("anonymous"):
            headers["X_N8N_API_KEY"] = ""
        if isinstance(body, str):
            body = body.encode()
        return self.server.call(method, path, body, **{name: text or "" for name, text in headers.items()})


def filled(value: Any, names: dict[str, str]) -> Any:
    """The same with the names in braces replaced."""
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, list):
        return [filled(entry, names) for entry in value]
    if isinstance(value, dict):
        return {key: filled(entry, names) for key, entry in value.items()}
    return value


@pytest.fixture(scope="module")
def replayed(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    with ExitStack() as stack:
        url = stack.enter_context(cloned_database(postgres_url))
        with connect(url) as connection:
            owner = users.owner_id(connection)
            key = new_key(owner)
            api_keys.create_api_key(connection, key, label="clients", scopes=["*"])
            projects.create_project(connection, "other", "Other")
            names = {"owner": jwt.decode(key, options={"verify_signature": False})["sub"], "project": "other"}
            for name, trigger in (("workflow", START), ("hook", HOOK)):
                document = orjson.dumps(chain(trigger))
                workflows.create_workflow(connection, name, project_id="default", name=name, definition=document)
                names[name] = name
            target = workflows.get_workflow(connection, "workflow").target
            worker = workers.register(connection, hostname="test", pid=1, concurrency=10)
            for name in FAILED:
                names[name] = str(lifecycle.create_execution(connection, target, mode="trigger"))
            lifecycle.claim(connection, worker, 10)
            data = b'{"resultData":{"runData":{}}}'
            ended = [
                lifecycle.Result(int(names[name]), "error", "trigger", data, error_node="Start", error_message="Broke")
                for name in FAILED
            ]
            lifecycle.finish(connection, worker, ended)
        server = live.start_server(url, tmp_path_factory.mktemp("clients"), EXECUTIONS_ENCRYPTION_KEY="k")
        stack.callback(server.child.stop)
        yield Replayed(server, key, names)


@pytest.mark.timeout(4 * PATIENCE_SECONDS)
@pytest.mark.parametrize("client", REQUESTS)
def test_the_requests_of_a_client(replayed: Replayed, client: str) -> None:
    names = {**replayed.names, "client": "".join(letter for letter in client if letter.isalnum())}
    for request in REQUESTS[client]:
        answer = replayed.send(request, names)
        assert answer.status == request["status"], (request, answer.body)
        if request.get("has"):
            assert set(request["has"]) <= answer.body.keys(), request
        if request.get("not_empty"):
            assert answer.body["data"], request
        for name, text in filled(request.get("says", {}), names).items():
            assert answer.body[name] == text, request
        for name, field in request.get("keep", {}).items():
            names[name] = answer.body[field]
