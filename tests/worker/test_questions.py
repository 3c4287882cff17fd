"""What only a worker with the package can tell: whether a credential is good, and what a form offers."""

import json

import pytest

from app.repository import node_package_wishes, node_packages
from app.repository.node_package_wishes import Wish
from tests.engine.nodes import far_side
from tests.packages.conftest import registry as registry_of_packages
from tests.packages.running import SAMPLE
from tests.patience import wait_until

NAME = "n8n-nodes-token"
FILE, KEY = "credentials/TokenApi.credentials.js", "credentials/SampleApi.credentials.js"
FORM = "nodes/Choices.node.js"
registry = registry_of_packages


@pytest.mark.slow
def test_a_worker_answers_for_the_api_and_tells_nothing_secret(registry, connection, start_server, start_worker):
    server = start_server(EXECUTIONS_ALLOWED_HOSTS="127.0.0.1")
    files = {file: (SAMPLE / file).read_text() for file in (FILE, KEY, FORM)}
    registry.publish(NAME, files=files, n8n={"credentials": [FILE, KEY], "nodes": [FORM]})
    worker = start_worker(EXECUTIONS_ALLOWED_HOSTS="127.0.0.1")
    node_package_wishes.ask(connection, Wish(NAME, "latest", False))
    connection.commit()
    wait_until(lambda: node_packages.list_packages(connection) or connection.rollback(), worker.log_tail)
    connection.rollback()
    with far_side.running() as service:

        def tried(**data: str) -> dict:
            body = {"name": "Token", "type": "tokenApi", "data": {"url": service, **data}}
            made = server.post("/api/v1/credentials", body)
            answer = server.post(f"/api/v1/credentials/{made.body['id']}/test")
            assert answer.status == 200, answer.body
            return answer.body

        schema = "/api/v1/credentials/schema/tokenApi"
        wait_until(lambda: "path" in server.get(schema).body["properties"], worker.log_tail)
        wait_until(lambda: "package ready" in worker.log.read_text(), worker.log_tail)
        assert tried() == {"status": "OK", "message": "Connection successful!"}
        assert tried(path="/status/418") == {"status": "Error", "message": "It is a teapot"}
        made = {"name": "Sample", "type": "sampleApi", "data": {"url": service, "token": "a-very-secret-token"}}
        asked = {
            "nodeTypeAndVersion": {"name": f"{NAME}.choices", "version": 1},
            "path": "parameters.list",
            "currentNodeParameters": {"team": "={{ 'th' + 'eirs' }}"},
            "credentials": {"sampleApi": {"id": server.post("/api/v1/credentials", made).body["id"]}},
        }

        def offered(method: str, **more: object) -> tuple[int, dict]:
            form = {**asked, **more, "methodName": method}
            path = "/api/v1/dynamic-node-parameters/options"
            answer = wait_until(lambda: (said := server.post(path, form)).status != 503 and said, worker.log_tail)
            return answer.status, answer.body

        status, body = offered("getLists")
        assert (status, body["data"][0]["value"], body["data"][-1]["value"]) == (200, "theirs", "**hidden**")
        status, body = offered("getRefused")
        assert (status, "Forbidden" in body["message"]) == (409, True), body
        status, body = offered("getLists", credentials={"sampleApi": {"id": "none"}})
        assert (status, "a-very-secret" in json.dumps(body)) == (409, False), body
    assert "token-number" not in json.dumps(worker.log.read_text())
