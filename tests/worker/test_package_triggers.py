"""A trigger of a package from its installation to its end: arranged with its provider, called, and called no more."""

import pytest

from app.repository import node_package_wishes, node_packages
from app.repository.node_package_wishes import Wish
from tests import live
from tests.engine.nodes import far_side
from tests.packages.conftest import registry as registry_of_packages
from tests.packages.running import HERE
from tests.patience import wait_until
from tests.workflows import chain, no_op, node

NAME = "n8n-nodes-starting"
PART = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
FILE = '; filename="{}"\r\nContent-Type: text/csv'
FORM = "".join(
    (
        PART.format("n", "", "1"),
        PART.format("upload", FILE.format("rows.csv"), "a,b"),
        PART.format("more", FILE.format("1"), "one"),
        PART.format("more", FILE.format("2"), "two"),
        "--b--\r\n",
    )
).encode()
registry = registry_of_packages


@pytest.mark.slow
def test_a_provider_calls_it_while_it_is_active(registry, connection, start_server, start_worker):
    port = live.free_port()
    own = {"EXECUTIONS_WEBHOOK_URL": f"http://127.0.0.1:{port}", "EXECUTIONS_ALLOWED_HOSTS": "127.0.0.1"}
    server = start_server(PORT=port, **own)
    file = "nodes/Hooked.node.js"
    registry.publish(NAME, files={file: (HERE / "starting" / file).read_text()}, n8n={"nodes": [file]})
    worker = start_worker(**own)
    node_package_wishes.ask(connection, Wish(NAME, "latest", False))
    connection.commit()
    wait_until(lambda: node_packages.list_packages(connection) or connection.rollback(), worker.log_tail)
    connection.rollback()
    with far_side.running() as provider:
        trigger = node("Start", f"{NAME}.hooked", {"provider": provider}, webhookId="h1")
        body = chain(trigger, no_op(), name="Called", settings={})
        workflow_id = server.post("/api/v1/workflows", body).body["id"]
        active = server.post(f"/api/v1/workflows/{workflow_id}/activate")
        assert active.status == 200, active.body

        address = "/webhook/h1/webhook"
        challenged = server.get(f"{address}?challenge=c1")
        assert (challenged.status, challenged.headers["x-own"], challenged.body) == (201, "yes", "c1")
        assert server.post(address, {"ignore": 1}).status == 200
        assert server.post("/webhook/h1/other", {"n": 1}).body == "at another path"
        # What was kept when it was set up, such as a secret, is there when a call is looked at.
        assert server.post(address, {"secret": 1}).body.endswith(address)
        called = server.post(address, {"n": 1}, x_sign="s")
        assert (called.status, called.body) == (200, {"message": "Workflow was started"})

        def ran() -> list[dict]:
            path = f"/api/v1/executions?workflowId={workflow_id}&status=success&includeData=true"
            return [each["data"]["resultData"]["runData"] for each in server.get(path).body["data"]]

        def held() -> int:
            [count] = connection.execute("SELECT count(*) FROM executions").fetchone()
            connection.rollback()
            return count

        wait_until(lambda: ran() and held() == 1, lambda: (ran(), held(), worker.log_tail()))
        sent = server.post(address, FORM, Content_Type="multipart/form-data; boundary=b")
        assert (sent.status, sent.body) == (200, {"message": "Workflow was started"})
        wait_until(lambda: len(ran()) == 2, lambda: (ran(), worker.log_tail()))
        form, run = ran()  # and nothing of the calls that it ignores, or answers by itself
        [uploaded] = form["Done"][0]["data"]["main"][0]
        assert uploaded["json"]["several"] == ["one", "two"]
        assert uploaded["json"]["fields"] == {"n": "1"}
        assert uploaded["binary"]["data"]["fileName"] == "rows.csv"
        [item] = run["Done"][0]["data"]["main"][0]
        assert item["json"] == {"body": {"n": 1}, "signed": '{"n": 1}s', "url": f"{server.url}{address}"}

        def kept() -> bytes | None:
            found = connection.execute("SELECT s.data FROM workflow_static_data AS s").fetchone()
            connection.rollback()
            return found and bytes(found[0])

        assert f"{server.url}{address}".encode() in kept()
        assert server.post(f"/api/v1/workflows/{workflow_id}/deactivate").status == 200
        wait_until(lambda: kept() == b"{}", worker.log_tail)
        assert server.post(address, {"n": 1}).status == 404
