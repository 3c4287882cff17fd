"""Reads from a real streaming replica: who wrote sees it, others may wait for it, and nobody sees that it is gone."""

import json
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from app.api.face.replica import Replica, open_replica
from app.doctor.server import examine_replica
from app.repository.api_keys import create_api_key
from app.repository.connection import connect, open_pool
from app.settings import Settings
from tests import live
from tests.deployment.replica_site import Site, Visitor, listed, reads
from tests.deployment.standby import Standby
from tests.live import LiveServer
from tests.patience import wait_until
from tests.postgres import TEMPLATE, TestServer, cloned_database
from tests.triggers.test_end_to_end import create
from tests.workflows import no_op, stored

pytestmark = pytest.mark.slow

READER = "a key that only reads"
OTHER = "a key that may do everything and did not"
VISITOR = "a key that a person has signed in with"
LATE = 1.5  # seconds that a replica may be behind where a test waits for it to be further behind

LARGE = """
    WITH made AS (
        INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode, started_at, stopped_at,
                                json_size_bytes)
        SELECT e.workflow_id, e.workflow_version_id, e.project_id, 'success', 'manual', now(), now(), %(size)s
          FROM executions AS e LIMIT 1
        RETURNING id)
    INSERT INTO execution_data (execution_id, encoding, encoded)
    SELECT m.id, 'identity', %(data)s FROM made AS m
    RETURNING execution_id
"""
COPY_OF_ONE = """
    INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode, started_at, stopped_at)
    SELECT e.workflow_id, e.workflow_version_id, e.project_id, 'success', 'manual', now(), now()
      FROM executions AS e LIMIT 1
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    primary = TestServer()
    try:
        with cloned_database(primary.url("postgres"), TEMPLATE) as url:
            with connect(url) as connection:
                create_api_key(connection, READER, label="reader", scopes=["execution:read", "execution:list"])
                create_api_key(connection, OTHER, label="other", scopes=["*"])
            standby = Standby(url)
            database = url.partition("@/")[2].partition("?")[0]
            servers: list[LiveServer] = []
            try:
                for seconds in (LATE, 60):
                    settings = {
                        "DATABASE_REPLICA_URL": standby.url(database),
                        "DATABASE_REPLICA_LAG_SECONDS": seconds,
                        "EXECUTIONS_HOME": tmp_path_factory.mktemp("api"),
                    }
                    servers.append(live.start_server(url, settings["EXECUTIONS_HOME"], **settings))
                workflow_id = create(servers[0], "Any", stored(no_op()))
                yield Site(*servers, url, standby, database, workflow_id)
            finally:
                for server in servers:
                    server.child.stop()
                standby.stop()
    finally:
        primary.stop()


def settle(site: Site) -> None:
    """Let the replica catch up, and let each API know of a moment from before what the test does next."""
    site.standby.catch_up(site.primary_url)
    for server in (site.another, site.strict):
        listed(server, READER)
    time.sleep(1.2)
    site.standby.catch_up(site.primary_url)


def until(holds) -> None:
    wait_until(holds, pause=0.1)


def test_who_wrote_sees_it_and_the_others_are_answered_by_the_replica(site: Site) -> None:
    before = site.run()
    settle(site)
    site.standby.pause()
    try:
        written = site.run()
        assert site.strict.call("PATCH", f"/api/v1/executions/{before}", {"annotation": {"vote": "up"}}).status == 200
        for server in (site.another, site.strict):
            assert listed(server)[0] == written
            assert server.get(f"/api/v1/executions/{written}").status == 200
            assert server.get(f"/api/v1/executions/{before}").body["annotation"]["vote"] == "up"
        from_replica = reads(site.another, "replica")
        for key in (READER, OTHER):
            server = replace(site.another, key=key)
            assert listed(server, key)[0] == before
            assert server.get(f"/api/v1/executions/{before}").body["annotation"]["vote"] is None
            assert server.get(f"/api/v1/executions/{written}").status == 200, "whoever was told of it finds it"
        assert reads(site.another, "replica") >= from_replica + 4
    finally:
        site.standby.resume()
    until(lambda: listed(site.another, READER)[0] == written)


def test_pages_of_the_console_come_from_the_replica_and_who_wrote_sees_it(site: Site) -> None:
    before = site.run()
    with connect(site.primary_url) as connection:
        create_api_key(connection, VISITOR, label="visitor", scopes=["*"])
    writer, watcher = Visitor(site.another, VISITOR), Visitor(site.another, READER)
    settle(site)
    site.standby.pause()
    try:
        from_replica = reads(site.another, "replica")
        for visitor in (writer, watcher):
            assert f'id="e-{before}"' in visitor.page("/console/executions")
        assert reads(site.another, "replica") >= from_replica + 2
        written = writer.start(site.workflow_id)
        assert f'id="e-{written}"' in writer.page("/console/executions")
        assert f"#{written}" in writer.page(f"/console/executions/{written}")
        from_replica = reads(site.another, "replica")
        assert f'id="e-{written}"' not in watcher.page("/console/executions")
        assert reads(site.another, "replica") == from_replica + 1
        assert f"#{written}" in watcher.page(f"/console/executions/{written}"), "whoever was told of it finds it"
    finally:
        site.standby.resume()
    until(lambda: f'id="e-{written}"' in watcher.page("/console/executions"))


def test_a_replica_counts_anew(site: Site) -> None:
    """Its snapshots do not name what is in progress: two of them can be alike though something was committed between.

    It takes three transactions: one that stays open, one that ends in between, and a later one that has ended.
    """
    site.run()
    with connect(site.primary_url) as first, connect(site.primary_url) as second:
        first.execute(COPY_OF_ONE)
        second.execute(COPY_OF_ONE)
        site.run()
        settle(site)
        reader = replace(site.another, key=READER)
        number = reader.get("/api/v1/executions").body["count"]
        second.commit()
        site.standby.catch_up(site.primary_url)
        assert reader.get("/api/v1/executions").body["count"] == number + 1
        first.rollback()


def test_a_replica_too_far_behind_is_not_used(site: Site) -> None:
    site.run()
    settle(site)
    site.standby.pause()
    try:
        written = site.run()
        until(lambda: listed(site.strict, READER)[0] == written)
        assert "the replica is not used for now" in site.strict.child.log_tail()
        answered = reads(site.strict, "replica")
        for _ in range(5):
            assert listed(site.strict, READER)[0] == written
        assert reads(site.strict, "replica") == answered
    finally:
        site.standby.resume()

    def used_again() -> bool:
        listed(site.strict, READER)
        return reads(site.strict, "replica") > answered

    until(used_again)


def test_a_statement_that_gives_way_to_what_is_replayed_is_no_failure(site: Site) -> None:
    site.run()
    site.standby.catch_up(site.primary_url)
    environ = {"DATABASE_URL": site.primary_url, "DATABASE_REPLICA_URL": site.standby.url(site.database)}
    settings = Settings.from_environment(environ)
    with open_pool(site.primary_url, size=1, name="primary") as primary:
        replica = open_replica(settings, primary)
        assert replica is not None
        with replica.pool:
            with pytest.raises(psycopg.errors.SerializationFailure) as refused:
                read_while_rows_are_vacuumed(site, replica)
            replica.note_failure(refused.value)
            assert not replica.is_resting


def read_while_rows_are_vacuumed(site: Site, replica: Replica) -> None:
    with replica.reading() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert connection.execute("SELECT count(*) > 0 FROM executions").fetchone() == (True,)
        with connect(site.primary_url, autocommit=True) as other:
            other.execute("UPDATE executions SET vote = 'up'")
            other.execute("VACUUM executions")
        site.standby.catch_up(site.primary_url)
        connection.execute("SELECT count(*) FROM executions")


def test_the_doctor_looks_at_the_replica(site: Site) -> None:
    def advice() -> str | None:
        environ = {"DATABASE_URL": site.primary_url, "DATABASE_REPLICA_URL": site.standby.url(site.database)}
        settings = Settings.from_environment({**environ, "DATABASE_REPLICA_LAG_SECONDS": "0.5"})
        with connect(site.primary_url, autocommit=True) as connection:
            [finding] = examine_replica(connection, settings)
        return finding.advice

    site.standby.catch_up(site.primary_url)
    assert advice() is None
    site.standby.pause()
    try:
        site.run()
        assert advice() == "check that it is a replica of this primary and that replication runs"
    finally:
        site.standby.resume()


def test_an_answer_that_is_on_its_way_is_completed(site: Site) -> None:
    site.run()
    text = os.urandom(8 * 2**20).hex()
    data = json.dumps({"a": text}).encode()
    with connect(site.primary_url) as connection:
        [(number,)] = connection.execute(LARGE, {"data": data, "size": len(data)}).fetchall()
    settle(site)
    answered = reads(site.another, "replica")
    url = f"{site.another.url}/api/v1/executions/{number}?includeData=true&ignoreDataSizeLimit=true"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"X-N8N-API-KEY": READER})) as answer:
            beginning = answer.read(1000)
            site.standby.kill()
            whole = json.loads(beginning + answer.read())
        assert whole["data"] == {"a": text}
    finally:
        site.standby.start()
    assert reads(site.another, "replica") == answered + 1


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_nobody_notices_that_the_replica_is_gone(site: Site, how: str) -> None:
    written = site.run()
    settle(site)
    assert listed(site.another, READER)[0] == written
    answered = reads(site.another, "replica")
    (site.standby.kill if how == "killed" else lambda: site.standby.freeze(site.database))()
    try:
        for _ in range(5):
            assert listed(site.another, READER)[0] == written
            assert listed(site.another)[0] == written
        assert reads(site.another, "replica") == answered
    finally:
        (site.standby.start if how == "killed" else site.standby.thaw)()

    def used_again() -> bool:
        listed(site.another, READER)
        return reads(site.another, "replica") > answered

    until(used_again)
