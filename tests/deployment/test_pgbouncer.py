"""API and worker behind PgBouncer in transaction mode, where a session is one's own for one transaction only."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from app.doctor.server import examine_pooler
from app.repository import notifications
from app.repository.connection import connect
from app.settings import Settings
from tests import live
from tests.deployment import pgbouncer
from tests.live import LiveServer
from tests.patience import wait_until
from tests.triggers.test_end_to_end import create, ended
from tests.triggers.test_firing import EVERY_SECOND, scheduled
from tests.workflows import code, no_op, node, stop_and_error, stored, wait

LISTENERS = 2  # the API's one process and the worker have one each
LOOK = " ".join(notifications.ANSWERED.replace("%(ids)s", "$1").split())
SESSIONS = 2  # fewer than clients, so that a transaction rarely gets the session that the one before had

OUTSIDE = """
    SELECT a.query FROM pg_stat_activity AS a
     WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
       AND a.pid <> ALL(%s)
"""

pytestmark = pytest.mark.skipif(
    pgbouncer.PROGRAM is None, reason="PgBouncer is not installed (Debian and Ubuntu: apt-get install pgbouncer)"
)


@pytest.fixture
def pooler(postgres_url: str):
    with pgbouncer.running(postgres_url, size=SESSIONS) as pooler:
        yield pooler


def hook(path: str) -> bytes:
    """A workflow behind a webhook that answers with what it was sent, counted up."""
    parameters = {"path": path, "httpMethod": "POST", "responseMode": "lastNode", "options": {}}
    return stored(code("return [{json: {n: $json.body.n + 1}}]", "Add"), trigger=node("Hook", "webhook", parameters, 2))


def run(server: LiveServer, name: str, definition: bytes, seconds: float) -> dict:
    answer = server.post(f"/api/v1/workflows/{create(server, name, definition)}/run", {"wait": seconds})
    assert answer.status == 200, answer.body
    return answer.body


@pytest.mark.slow
@pytest.mark.own_database
def test_a_whole_life_in_transaction_mode(pooler, database_url: str, tmp_path) -> None:
    database = conninfo_to_dict(database_url)["dbname"]
    addresses = {"DATABASE_URL": pooler.url(database), "DATABASE_DIRECT_URL": database_url}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET timezone = 'Asia/Tokyo'").format(sql.Identifier(database)))
    server = live.start_server(database_url, tmp_path, **addresses)
    worker = live.start_worker(database_url, tmp_path, **addresses)
    try:
        settings = Settings.from_environment(addresses)
        with connect(settings.direct_url, autocommit=True) as connection:
            [finding] = examine_pooler(connection, settings)
        assert finding.advice is None
        live_a_life(server)
        [pool] = pooler.show("POOLS", database)
        assert pool["pool_mode"] == "transaction"
        servers, clients = pooler.show("SERVERS", database), pooler.show("CLIENTS", database)
        assert len(servers) <= SESSIONS
        assert len(clients) > len(servers), "sessions were not shared: this test shows nothing"
        [stats] = pooler.show("STATS", database)
        assert stats["total_xact_count"] > 50
        with psycopg.connect(database_url) as connection:
            queries = connection.execute(OUTSIDE, [[server["remote_pid"] for server in servers]]).fetchall()
        said = {" ".join(query.split()) for (query,) in queries}
        assert len(queries) == LISTENERS, "only what listens goes around it"
        assert all(query.startswith("LISTEN ") or query == LOOK for query in said), said
    finally:
        worker.stop()
        server.child.stop()


def live_a_life(server: LiveServer) -> None:
    assert run(server, "Quick", stored(no_op()), 10)["status"] == "success"

    for _ in range(6):  # more often than psycopg waits before it prepares a statement
        assert server.get("/api/v1/executions?status=success&limit=5").body["count"] == 1

    long = run(server, "Long", stored(wait(60)), 0)
    path = f"/api/v1/executions/{long['id']}"
    wait_until(lambda: server.get(path).body["status"] == "running")
    stopped = server.post(f"{path}/stop")
    assert (stopped.status, stopped.body["status"]) == (200, "canceled")

    failed = run(server, "Fails", stored(no_op(), stop_and_error()), 10)
    assert failed["status"] == "error"
    retry = server.post(f"/api/v1/executions/{failed['id']}/retry", {"loadWorkflow": False}, Idempotency_Key="once")
    assert (retry.status, retry.body["retryOf"]) == (200, failed["id"])
    again = server.post(f"/api/v1/executions/{failed['id']}/retry", {"loadWorkflow": False}, Idempotency_Key="once")
    assert again.body["id"] == retry.body["id"]

    hooked = create(server, "Hook", hook("count"))
    assert server.post(f"/api/v1/workflows/{hooked}/activate").status == 200
    for n in range(6):
        assert server.post("/webhook/count", {"n": n}).body == {"n": n + 1}

    timed = create(server, "Timed", scheduled(EVERY_SECOND))
    assert server.post(f"/api/v1/workflows/{timed}/activate").status == 200
    execution = ended(server, timed)[0]
    assert execution["mode"] == "trigger"
    started = datetime.fromisoformat(execution["startedAt"])
    assert abs(datetime.now(UTC) - started) < timedelta(minutes=10), "sessions are not in UTC"
