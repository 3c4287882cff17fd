"""From the call that stores a credential to the request that it proves, through real processes."""

from tests.engine.nodes import far_side
from tests.workflows import START, chain, node

SECRET = "very-secret-value"


def test_a_credential_stored_over_http_is_used_by_a_worker(start_server, start_worker) -> None:
    with far_side.running() as address:
        server, worker = start_server(), start_worker(EXECUTIONS_ALLOWED_HOSTS="127.0.0.1")
        body = {"name": "Service", "type": "httpHeaderAuth", "data": {"name": "X-Key", "value": SECRET}}
        credential = server.post("/api/v1/credentials", body).body
        parameters = {"authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth"}
        url = {"url": f"{address}/checked", "options": {}}
        named = {"httpHeaderAuth": {"id": credential["id"], "name": credential["name"]}}
        ask = node("Ask", "httpRequest", {**url, **parameters}, 4.2, credentials=named)
        workflow = chain(START, ask, name="Asks")
        stored = server.post("/api/v1/workflows", workflow).body
        run = server.post(f"/api/v1/workflows/{stored['id']}/run", {"wait": 60}).body
        assert run["status"] == "success", run
        read = server.get(f"/api/v1/executions/{run['id']}?includeData=true").body
        [item] = read["data"]["resultData"]["runData"]["Ask"][0]["data"]["main"][0]
        assert item["json"] == {"key_sha256": far_side.digest(SECRET)}
        assert SECRET not in str(read)
        assert SECRET not in worker.log_tail() + server.child.log_tail()
