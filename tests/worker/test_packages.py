"""A worker installs what is listed and what is asked for, and leaves to others what it lacks."""

import asyncio
import json
import threading
from collections import Counter
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from app.credentials.known_types import KnownTypes
from app.engine.run.node_types import NodeTypes
from app.packages.errors import CannotInstall
from app.packages.known_packages import read_manifests
from app.packages.manifest import Manifest, PackagedCredential
from app.packages.store import Store
from app.repository import node_package_wishes, node_packages
from app.repository.errors import Invalid
from app.repository.node_package_wishes import Wish
from app.vocabulary import ENDED
from app.worker import packages
from app.worker.credentials import Credentials
from app.worker.packages import PackageSync
from tests.packages.conftest import registry as registry_of_packages
from tests.patience import wait_until
from tests.worker.test_large_records import WAITING
from tests.workflows import chain, no_op, node, stored

NAME = "n8n-nodes-greet"
registry = registry_of_packages


@pytest.mark.slow
def test_what_is_asked_for_comes_to_all_workers_and_meanwhile_they_leave_it(
    registry, queue, start_worker, connection, tmp_path
):
    registry.publish_greet()
    first = start_worker(EXECUTIONS_HOME=tmp_path / "first")
    node_package_wishes.ask(connection, Wish(NAME, "latest", False))
    connection.commit()
    wait_until(lambda: node_packages.list_packages(connection) or connection.rollback(), first.log_tail)
    connection.rollback()
    first.stop()

    registry.gate.clear()
    home = tmp_path / "second"
    second = start_worker(EXECUTIONS_HOME=home, npm_config_cache=tmp_path / "cache")
    queue.save(stored(node("Greet", f"{NAME}.greet", {"whom": "you"})), "w1")
    queue.save(stored(no_op()), "w2")
    [greeting], [other] = queue.add("w1"), queue.add("w2")
    queue.wait_for([other], ["success"])
    assert queue.get(greeting).status == "new"
    registry.gate.set()
    queue.wait_for([greeting], ENDED)
    assert Store(home).installed() == [(NAME, "1.0.0")]
    assert "package ready" in second.log.read_text()


@pytest.mark.slow
def test_a_worker_that_has_just_started_begins_nothing_before_its_packages_are_in_place(
    registry, queue, start_worker, connection, connect, tmp_path
):
    """A workflow within a workflow runs where that one does, and is not left to others."""
    registry.publish_greet()
    first = start_worker(EXECUTIONS_HOME=tmp_path)
    node_package_wishes.ask(connection, Wish(NAME, "latest", False))
    connection.commit()
    wait_until(lambda: "package ready" in first.log.read_text(), first.log_tail)
    first.stop()
    execution = inline(queue, f"{NAME}.greet", "w1", whom="you")
    with connect() as holding:
        holding.execute("LOCK TABLE node_packages")
        start_worker(EXECUTIONS_HOME=tmp_path)
        wait_until(lambda: queue.connection.execute(WAITING, [holding.info.backend_pid]).fetchall())
    [ended] = queue.wait_for([execution])
    assert (ended.status, ended.error_message) == ("success", None)


def inline(queue, kind: str, workflow_id: str, **parameters: str) -> int:
    """An execution whose node runs a workflow that it holds, with a node of this type."""
    held = chain(node("In", "executeWorkflowTrigger", {"inputSource": "passthrough"}, 1.1), node("X", kind, parameters))
    calls = node("Call", "executeWorkflow", {"source": "parameter", "workflowJson": json.dumps(held)}, 1.2)
    [execution] = queue.add(queue.save(stored(calls), workflow_id))
    return execution


def test_a_package_that_cannot_be_installed_is_said_and_hurts_nothing(registry, queue, start_worker, connection, flask):
    registry.publish_greet()
    with connection.transaction():
        connection.execute(
            "INSERT INTO node_packages (name, version, integrity, licence, lock, manifest, nodes, node_types) "
            "VALUES (%s, '7.0.0', '', 'MIT', '{\"packages\": {}}', '{}', '[]', %s)",
            [NAME, [f"{NAME}.greet"]],
        )
    worker = start_worker()
    queue.save(stored(no_op()))
    queue.wait_for(queue.add(), ["success"])
    errors = wait_until(lambda: node_packages.list_errors(connection, lease_seconds=60) or connection.rollback())
    assert f"There is no version {NAME}@7.0.0" in errors[0].message
    assert "package cannot be installed" in worker.log.read_text()
    kinds = [f"{NAME}.greet", "n8n-nodes-other.thing", "@n8n/n8n-nodes-x.y"]
    lacking = [inline(queue, kind, f"w{number}") for number, kind in enumerate(kinds, 2)]
    queue.wait_for(lacking, ["error"])
    said = [queue.get(each).error_message for each in lacking]
    assert f"This worker has not got the package {NAME} yet" in said[0]
    assert "There is no version" in said[0]
    assert said[1].endswith("which is not installed: `flask packages add n8n-nodes-other`")
    assert said[2].endswith("`flask packages add @n8n/n8n-nodes-x --accept-license`")
    assert f"BAD  package {NAME}: not installed for the worker on" in flask("doctor").stdout
    assert f"lacks {NAME}: There is no version" in flask("packages", "list").stderr


def test_a_package_that_says_what_cannot_be_stored_ends_no_worker(monkeypatch, tmp_path):
    said = []

    class Refusing:
        async def transact(self, work, *given):
            if work is not node_package_wishes.fail:
                raise Invalid
            said.append(given)

    async def found(*_, **__):
        return None

    monkeypatch.setattr("app.worker.packages.resolve", found)
    monkeypatch.setattr("app.worker.packages.add", found)
    host = SimpleNamespace()
    sync = PackageSync(Store(tmp_path), Refusing(), NodeTypes(), host, worker_id=lambda: 7, wake=lambda: None)
    asyncio.run(sync._carry_out(Wish("n8n-nodes-odd", None, False)))
    assert said == [(7, "n8n-nodes-odd", "What the package says of itself cannot be stored: " + Invalid.default)]


class Answering:
    """A database that answers each question in one way, and counts them."""

    def __init__(self, answers):
        self.answers, self.asked = answers, Counter()

    async def transact(self, work, *_):
        self.asked[work] += 1
        return self.answers[work]


def test_what_packages_define_is_read_beside_the_loop_and_once_for_each_revision(monkeypatch, tmp_path, caplog):
    """Also while one of them cannot be installed, which is tried again as long as it is listed."""
    listed = [SimpleNamespace(name=NAME, version="1.0.0")]
    database = Answering(
        {
            node_packages.read_revision: 1,
            node_packages.list_packages: listed,
            node_packages.read_manifests: {NAME: b"[]"},
            node_packages.note_errors: None,
        }
    )
    threads, tried = [], []

    def read(stored):
        threads.append(threading.current_thread())
        return read_manifests(stored)

    async def refuse(package):
        tried.append(package)
        raise CannotInstall("npm does not answer")

    async def go():
        sync = PackageSync(Store(tmp_path), database, NodeTypes(), None, worker_id=lambda: 7, wake=lambda: None)
        monkeypatch.setattr(sync, "_put_in_place", refuse)
        for _ in range(3):
            await sync._install_listed()
        database.answers[node_packages.read_revision] = 2
        await sync._install_listed()
        assert (len(tried), database.asked[node_packages.read_manifests]) == (4, 2)
        nothing = {node_packages.read_revision: 3, node_packages.list_packages: [], node_packages.read_manifests: {}}
        database.answers |= nothing
        for _ in range(2):
            await sync._install_listed()
        assert (len(tried), database.asked[node_packages.list_packages]) == (4, 5)

    monkeypatch.setattr(packages, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(packages, "read_manifests", read)
    asyncio.run(go())
    assert threading.main_thread() not in threads
    assert [record.message for record in caplog.records].count("package left out") == 2


def test_what_is_defined_of_packages_is_known_before_they_are_installed(monkeypatch, tmp_path):
    """A credential of theirs may be asked for by a node that is no package's."""
    own = PackagedCredential("ownOAuth2Api", "Own", "own.js", "Own", extends=("oAuth2Api",))
    manifest = Manifest(credentials=(own,))
    listed = [SimpleNamespace(name=NAME, version="1.0.0")]
    answers = {
        node_packages.read_revision: 1,
        node_packages.list_packages: listed,
        node_packages.read_manifests: {NAME: manifest.to_json()},
    }

    async def go():
        woken, database = [], Answering(answers)
        sync = PackageSync(
            Store(tmp_path), database, NodeTypes(), None, worker_id=lambda: 7, wake=lambda: woken.append(sync.ready)
        )
        installing, go_on = asyncio.Event(), asyncio.Event()

        async def install(_):
            installing.set()
            await go_on.wait()

        monkeypatch.setattr(sync, "_install", install)
        assert (sync.definitions, sync.known.is_set(), sync.ready) == (None, False, False)
        looking = asyncio.ensure_future(sync._install_listed())
        await installing.wait()
        assert list(sync.definitions) == ["ownOAuth2Api"]
        assert (sync.known.is_set(), sync.ready) == (True, False)
        go_on.set()
        await looking
        await asyncio.sleep(0)
        assert (sync.ready, woken) == (True, [True])

    asyncio.run(go())


def test_no_credential_is_read_before_its_type_may_be_known():
    """It would be taken for one that no token is got for."""

    class Holding:
        async def transact(self, work, *_):
            return {"grantType": "clientCredentials", "oauthTokenData": {"access_token": "t"}}

    async def go():
        known, definitions = asyncio.Event(), {}
        types = KnownTypes(lambda: definitions)
        clock = SimpleNamespace(now=lambda: 0.0)
        credentials = Credentials(MagicMock(), Holding(), MagicMock(), clock, types, known=known.wait)
        reading = asyncio.ensure_future(credentials.of_project("default").read("c1", "ownOAuth2Api"))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not reading.done()
        definitions["ownOAuth2Api"] = {"extends": ["oAuth2Api"], "properties": [{"name": "scope", "default": "all"}]}
        known.set()
        assert (await reading)["scope"] == "all"

    asyncio.run(go())
