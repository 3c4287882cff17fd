"""A token that a package's code fetches before its use is fetched once, however many calls and workers want it."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import psycopg
import pytest

from app.credentials.vault import Vault
from app.engine.run.credentials import read_credential
from app.packages.surroundings import Surroundings
from app.packages.tokens import Tokens
from app.repository import node_package_wishes
from app.repository.node_package_wishes import Wish
from app.settings import Settings
from app.worker.credentials import Credentials
from app.worker.fetches import Fetches
from tests.engine.nodes import far_side
from tests.packages.conftest import registry as registry_of_packages
from tests.packages.running import SAMPLE
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.worker.renewing import Party, begun
from tests.worker.renewing import party as party_of_workers
from tests.workflows import node, stored

registry, party = registry_of_packages, party_of_workers
KIND, NAME = "sessionApi", "n8n-nodes-token"
ENTERED = {"user": "ann", "password": "secret"}


def call_of(credentials: Credentials, tokens: Tokens) -> Surroundings:
    """A call of a node with the credential."""
    mine = credentials.of_project("default")
    found = MagicMock(document={"credentials": {KIND: {"id": "c1"}}})
    context = MagicMock(node=found, credential=lambda kind: read_credential(found, kind, mine.read))
    context.execution.ports.meter.room = 1_000_000
    context.execution.ports.begin_fetch = mine.begin_fetch
    return Surroundings(context, {KIND: {}}, tokens, MagicMock())


class Service:
    """Gives a session's token; `left` says how often it refuses before."""

    def __init__(self, left: int = 0) -> None:
        self.left, self.asked = left, 0

    async def fetch(self) -> dict[str, Any] | None:
        self.asked += 1
        await asyncio.sleep(0.05)
        self.left -= 1
        return None if self.left >= 0 else {"token": f"number-{self.asked}"}


async def use(call: Surroundings, service: Service, refused: str | None) -> Any:
    """What a package process does for a credential whose token is missing or was refused."""

    async def ask(name: str, **given: Any) -> Any:
        asked = {"call": 1, "name": name, "given": {"type": KIND, "field": "token", **given}}
        return json.loads(await call.ask(json.dumps(asked).encode()))["result"]

    if (newer := (await ask("fetchCredential", refused=refused))["data"]) is not None:
        return newer["token"]
    fetched = await service.fetch()
    await ask("keepCredential", data=fetched)
    return fetched and fetched["token"]


def work(service: Service, refused: str | None, calls: int = 3) -> Any:
    async def several(credentials: Credentials) -> Any:
        tokens = Tokens(10)
        return await asyncio.gather(*(use(call_of(credentials, tokens), service, refused) for _ in range(calls)))

    return several


def test_workers_that_lack_a_token_at_once_fetch_one_and_a_refused_one_is_fetched_anew_once(party: Party) -> None:
    party.store(ENTERED, KIND)
    service = Service()
    assert party.run(work(service, None), work(service, None), work(service, None)) == [["number-1"] * 3] * 3
    assert party.run(work(service, None)) == [["number-1"] * 3]  # also by a worker that starts later
    assert party.run(work(service, "number-1"), work(service, "number-1")) == [["number-2"] * 3] * 2
    assert service.asked == 2


def test_a_fetch_that_fails_leaves_the_turn_to_another_worker(party: Party) -> None:
    party.store(ENTERED, KIND)
    service = Service(left=1)
    got = sorted((each[0] for each in party.run(work(service, None, 1), work(service, None, 1))), key=str)
    assert (got, service.asked) == ([None, "number-2"], 2)


def test_what_was_fetched_is_stored_encrypted_and_is_gone_with_what_it_was_fetched_for(party: Party) -> None:
    party.store(ENTERED, KIND)
    party.run(work(Service(), None))
    [[stored_data]] = party.connection.execute("SELECT data FROM credentials").fetchall()
    assert b"number-1" not in stored_data
    assert party.held(KIND) == ENTERED  # as the API and others see it
    place = ("default", "c1", KIND)
    assert party.vault.read_for_use(party.connection, *place) == {**ENTERED, "token": "number-1"}
    changed = {**party.held(KIND), "password": "other"}
    party.vault.update(party.connection, SimpleNamespace(id="c1", type=KIND), name=None, data=changed)
    assert party.vault.read_for_use(party.connection, *place) == changed


def test_what_is_fetched_for_data_that_are_changed_meanwhile_is_not_stored(party: Party) -> None:
    party.store(ENTERED, KIND)

    async def late(credentials: Credentials) -> Any:
        fetch = await credentials.of_project("default").begin_fetch("c1", KIND, "token", None)
        party.vault.update(party.connection, SimpleNamespace(id="c1", type=KIND), name=None, data={"user": "bob"})
        await fetch.keep({"token": "of ann"})
        return await credentials.of_project("default").read("c1", KIND)

    assert party.run(late) == [{"user": "bob"}]
    assert party.connection.execute("SELECT 1 FROM credentials WHERE renewal_until IS NOT NULL").fetchall() == []


def test_a_fetch_that_takes_long_keeps_its_turn(party: Party, monkeypatch) -> None:
    party.store(ENTERED, KIND)
    monkeypatch.setattr("app.worker.fetches.EXTEND_SECONDS", 0.01)
    read_lease = "SELECT renewal_until > now() + interval '20 seconds' FROM credentials"

    async def slow(credentials: Credentials) -> Any:
        fetch = await credentials.of_project("default").begin_fetch("c1", KIND, "token", None)
        party.connection.execute("UPDATE credentials SET renewal_until = now() + interval '5 seconds'")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while party.connection.execute(read_lease).fetchone() != (True,):
                await asyncio.sleep(0.01)
        await fetch.keep({"token": "slow"})
        await asyncio.wait([fetch.extending])
        return [*extended_meanwhile, fetch.extending.cancelled()]

    keep, extended_meanwhile = Fetches.keep, []

    async def look(fetches: Fetches, *given: Any) -> bool:
        [extending] = (task for task in asyncio.all_tasks() if task.get_name() == "slow fetch")
        extended_meanwhile.append(extending.cancelling() == 0)
        return await keep(fetches, *given)

    monkeypatch.setattr(Fetches, "keep", look)
    assert party.run(slow) == [[True, True]]
    assert party.run(work(Service(), None)) == [["slow"] * 3]


def test_an_error_while_a_turn_is_extended_is_told_and_extends_it_the_next_time(
    party: Party, monkeypatch, caplog
) -> None:
    party.store(ENTERED, KIND)
    monkeypatch.setattr("app.worker.fetches.EXTEND_SECONDS", 0.01)
    outcomes = iter([psycopg.ProgrammingError("is odd"), False])
    monkeypatch.setattr("app.credentials.renewals.extend", MagicMock(side_effect=outcomes))

    async def slow(credentials: Credentials) -> Any:
        fetch = await credentials.of_project("default").begin_fetch("c1", KIND, "token", None)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await fetch.extending
        fetch.end()

    assert party.run(slow) == [None]
    assert [record.exc_info[0] for record in caplog.records] == [psycopg.ProgrammingError]


def test_what_comes_too_late_is_not_stored_and_leaves_the_next_one_its_turn(party: Party) -> None:
    party.store(ENTERED, KIND)

    async def late(credentials: Credentials) -> Any:
        begin = credentials.of_project("default").begin_fetch
        first = await begin("c1", KIND, "token", None)
        party.connection.execute("UPDATE credentials SET renewal_until = now()")
        second = await begin("c1", KIND, "token", None)
        await first.keep({"token": "late"})
        assert begun(party), "the second one is at it"
        await second.keep({"token": "newest"})
        await first.keep({"token": "late"})
        assert not await first.fetches.keep(first.renewal, {"token": "late"})
        return (await credentials.of_project("default").read("c1", KIND))["token"]

    assert party.run(late) == ["newest"]


@pytest.mark.parametrize("odd", [{"token": "x" * 200_000}, {"token": 2**80}])
def test_what_cannot_be_stored_hinders_nobody(party: Party, odd: dict[str, Any]) -> None:
    party.store(ENTERED, KIND)

    async def keep(credentials: Credentials) -> Any:
        fetch = await credentials.of_project("default").begin_fetch("c1", KIND, "token", None)
        await fetch.keep(odd)

    party.run(keep)
    assert party.run(work(Service(), None)) == [["number-1"] * 3]


@pytest.mark.slow
def test_two_workers_with_a_package_fetch_one_token(registry, queue, connection, start_worker, database_url, tmp_path):
    reach = {"EXECUTIONS_ALLOWED_HOSTS": "127.0.0.1", "EXECUTIONS_CONCURRENCY": 1}
    credential, script = "credentials/TokenApi.credentials.js", "nodes/Script.node.js"
    files = {file: (SAMPLE / file).read_text() for file in (credential, script)}
    registry.publish(NAME, files=files, n8n={"credentials": [credential], "nodes": [script]})
    node_package_wishes.ask(connection, Wish(NAME, "latest", False))
    connection.commit()
    workers = [start_worker(**reach), start_worker(**reach)]
    with far_side.running() as service:
        vault = Vault(Settings.from_environment({"DATABASE_URL": database_url, "EXECUTIONS_HOME": str(tmp_path)}))
        held = {"name": "Token", "type": "tokenApi", "project_id": "default", "data": {"url": service}}
        vault.create(connection, "c1", **held)
        connection.commit()
        code = f"""const get = (path) => ({{ url: `{service}${{path}}`, json: true }});
          await this.helpers.httpRequest(get('/slow?seconds=0.3'));
          const ask = this.helpers.httpRequestWithAuthentication.call(this, 'tokenApi', get('/echo'));
          return [[{{ json: {{ number: (await ask).headers.authorization.split('-').at(-1) }} }}]]"""
        named = {"tokenApi": {"id": "c1", "name": "Token"}}
        queue.save(stored(node("Node", f"{NAME}.script", {"code": code}, credentials=named)))
        for worker in workers:
            wait_until(lambda worker=worker: "package ready" in worker.log.read_text(), worker.log_tail)
        ended = queue.wait_for(queue.add(number=2))
        said = [queue.data(each.id)["resultData"]["runData"]["Node"][0]["data"]["main"][0][0] for each in ended]
        assert [each["json"] for each in said] == [{"number": "1"}] * 2
