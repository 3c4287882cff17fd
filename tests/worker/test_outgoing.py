"""A live worker reaches out: with credentials of the execution's project, and only where it is allowed to."""

import orjson

from app.credentials.vault import Vault
from app.settings import Settings
from tests.engine.nodes import far_side
from tests.workflows import no_op, node, stored

SECRET = "very-secret-value"


def request(url: str, **more):
    return node("Ask", "httpRequest", {"url": url, "options": {}, **more}, 4.2)


def with_credential(definition: bytes, credential_id: str) -> bytes:
    document = orjson.loads(definition)
    document["nodes"][1]["credentials"] = {"httpHeaderAuth": {"id": credential_id, "name": "Service"}}
    return orjson.dumps(document)


def store(connection, key: str) -> None:
    """A credential under this key."""
    vault = Vault(Settings.from_environment({"DATABASE_URL": "postgresql:///x", "EXECUTIONS_ENCRYPTION_KEY": key}))
    data = {"name": "X-Key", "value": SECRET}
    vault.create(connection, "c1", name="Service", type="httpHeaderAuth", project_id="default", data=data)


def test_a_credential_goes_into_the_request_and_nowhere_else(queue, start_worker, tmp_path) -> None:
    with far_side.running() as address:
        authentication = {"authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth"}
        for name, path in (("ok", "/checked"), ("fails", "/error-object")):
            definition = with_credential(stored(request(address + path, **authentication), no_op()), "c1")
            queue.save(definition, name)
        store(queue.connection, "k")
        worker = start_worker(EXECUTIONS_ALLOWED_HOSTS="127.0.0.1", EXECUTIONS_ENCRYPTION_KEY="k")
        ids = [queue.add("ok")[0], queue.add("fails")[0]]
        fine, failed = queue.wait_for(ids)
        assert (fine.status, failed.status) == ("success", "error")
        [item] = queue.data(fine.id)["resultData"]["runData"]["Ask"][0]["data"]["main"][0]
        assert item["json"]["key_sha256"] == far_side.digest(SECRET)
        for execution in (fine, failed):
            assert SECRET not in str(queue.data(execution.id))
        assert SECRET not in worker.log_tail()


def test_another_key_is_told_as_the_node_s_error(queue, start_worker) -> None:
    definition = stored(
        request("http://127.0.0.1:9/", authentication="genericCredentialType", genericAuthType="httpHeaderAuth"),
        no_op(),
    )
    queue.save(with_credential(definition, "c1"))
    store(queue.connection, "one")
    worker = start_worker(EXECUTIONS_ENCRYPTION_KEY="another")
    [execution] = queue.wait_for(queue.add())
    assert (execution.status, execution.error_node) == ("error", "Ask")
    assert "EXECUTIONS_ENCRYPTION_KEY" in execution.error_message
    assert "the encryption key of this process is not the one of stored credentials" in worker.log.read_text()
    assert "the encryption key could be guessed" in worker.log.read_text()


def test_an_inner_address_is_refused_unless_it_is_named(queue, start_worker) -> None:
    with far_side.running() as address:
        queue.save(stored(request(address + "/object"), no_op()))
        start_worker()
        [execution] = queue.wait_for(queue.add())
    assert execution.status == "error"
    assert "EXECUTIONS_ALLOWED_HOSTS" in execution.error_message
