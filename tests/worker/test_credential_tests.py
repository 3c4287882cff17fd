"""A credential whose type fetches a token first is tested from the API to the service, by way of a worker."""

import json

import pytest

from app.repository import node_package_wishes, node_packages
from app.repository.node_package_wishes import Wish
from tests.engine.nodes import far_side
from tests.packages.conftest import registry as registry_of_packages
from tests.packages.running import SAMPLE
from tests.patience import wait_until

NAME = "n8n-nodes-token"
FILE = "credentials/TokenApi.credentials.js"
registry = registry_of_packages


@pytest.mark.slow
def test_a_token_is_fetched_and_shown_to_the_service(registry, connection, start_server, start_worker):
    server = start_server(EXECUTIONS_ALLOWED_HOSTS="127.0.0.1")
    registry.publish(NAME, files={FILE: (SAMPLE / FILE).read_text()}, n8n={"credentials": [FILE]})
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
    assert "token-number" not in json.dumps(worker.log.read_text())
