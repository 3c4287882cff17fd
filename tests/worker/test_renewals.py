"""Tokens are renewed once, however many executions and workers want it, and stored before anybody goes on."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.credential_tests import EngineCredentialTests
from app.credentials import renewals, service_accounts
from app.credentials.tokens import EXPIRES_AT, REFUSED
from app.credentials.vault import Vault
from app.engine.run.credentials import CredentialUnreadable
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from app.repository.connection import connect, open_pool
from app.settings import Settings
from app.worker.clock import Clock
from app.worker.credentials import Credentials
from app.worker.database import Database
from tests.credentials.provider import SECRET, Provider
from tests.postgres import cloned_database

KIND = "oAuth2Api"
Work = Callable[[Credentials], Awaitable[Any]]


class Party:
    """Workers of one installation, each with a loop, threads and connections of its own."""

    def __init__(self, database_url: str, home: Path, connection: Any) -> None:
        self.settings = Settings.from_environment({"DATABASE_URL": database_url, "EXECUTIONS_HOME": str(home)})
        self.connection = connection
        self.vault = Vault(self.settings)

    def store(self, data: dict[str, Any], kind: str = KIND) -> None:
        self.connection.execute("DELETE FROM credentials")
        self.vault.create(self.connection, "c1", name="Mine", type=kind, project_id="default", data=data)

    def held(self, kind: str = KIND) -> dict[str, Any]:
        found = self.vault.read_in_project(self.connection, "default", "c1", kind)
        assert found is not None
        return found

    def run(self, *works: Work) -> list[Any]:
        """What each work returns or raises, each in a worker of its own, at the same time."""
        ready = threading.Barrier(len(works))

        def worker(work: Work) -> Any:
            with ExitStack() as stack:
                pool = stack.enter_context(open_pool(self.settings.database_url, size=2, name="worker"))
                threads = stack.enter_context(ThreadPoolExecutor(2))

                async def go() -> Any:
                    async with Outgoing(AddressRules.parse("127.0.0.1")) as outgoing:
                        database = Database(pool, threads)
                        async with Credentials(Vault(self.settings), database, outgoing, Clock()) as credentials:
                            ready.wait()
                            return await work(credentials)

                try:
                    return asyncio.run(go())
                except CredentialUnreadable as error:
                    return error

        with ThreadPoolExecutor(len(works)) as threads:
            return list(threads.map(worker, works))


@pytest.fixture(scope="module")
def party(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    """One database for all: each test stores the credential anew."""
    with cloned_database(postgres_url) as url, connect(url, autocommit=True) as connection:
        yield Party(url, tmp_path_factory.mktemp("home"), connection)


async def read(credentials: Credentials, kind: str = KIND) -> Any:
    found = await credentials.of_project("default").read("c1", kind)
    return found and found["oauthTokenData"]["access_token"]


async def renew(credentials: Credentials, refused: str = "old", kind: str = KIND) -> Any:
    found = await credentials.of_project("default").renew("c1", kind, refused)
    return found["oauthTokenData"]["access_token"]


def expiring(provider: Provider, seconds: float, **more: Any) -> dict[str, Any]:
    """Tokens of which the refresh token is good, and the access token for so long."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    provider.refresh.add("first")
    tokens = {"access_token": "old", "refresh_token": "first", EXPIRES_AT: str(int(at.timestamp() * 1000)), **more}
    return provider.data(oauthTokenData=tokens)


@pytest.mark.parametrize("wanted", [read, renew])
def test_workers_that_renew_at_once_spend_one_refresh_token(party: Party, provider: Provider, wanted: Work) -> None:
    party.store(expiring(provider, 5))

    async def several(credentials: Credentials) -> Any:
        return await asyncio.gather(*(wanted(credentials) for _ in range(5)))

    got = party.run(several, several, several)
    assert len({token for each in got for token in each} | provider.access) == 1
    assert [form["refresh_token"] for form in provider.asked] == ["first"]
    tokens = party.held()["oauthTokenData"]
    assert {tokens["access_token"]} == provider.access
    assert {tokens["refresh_token"]} == provider.refresh


def test_a_token_that_lasts_is_left_alone_and_one_without_a_date_too(party: Party, provider: Provider) -> None:
    party.store(expiring(provider, 600))
    assert party.run(read) == ["old"]
    party.store(provider.data(oauthTokenData='{"access_token": "old", "refresh_token": "first", "expires_in": 1}'))
    assert party.run(read) == ["old"]
    assert provider.asked == []


def test_a_client_s_own_token_is_got_when_it_is_needed_first(party: Party, provider: Provider) -> None:
    party.store(provider.data(grantType="clientCredentials"))
    [token] = party.run(read)
    assert {token} == provider.access
    assert provider.asked == [{"grant_type": "client_credentials", "scope": "read write"}]
    assert party.run(read) == [token]
    assert len(provider.asked) == 1


def test_a_refresh_token_that_is_not_replaced_stays(party: Party, provider: Provider) -> None:
    provider.rotates, provider.life = False, None
    party.store(expiring(provider, 5, scope="read", id_token="kept"))
    [token] = party.run(read)
    assert party.held()["oauthTokenData"] == {
        "access_token": token,
        "refresh_token": "first",
        "token_type": "Bearer",
        "scope": "read",
        "id_token": "kept",
    }


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"oauthTokenData": {}}, "is not connected yet"),
        ({"oauthTokenData": {"access_token": "old"}}, "needs to be connected again"),
        ({"oauthTokenData": {"access_token": "old", "refresh_token": "that is gone"}}, "needs to be connected again"),
        ({"oauthTokenData": {"refresh_token": "x"}, "clientSecret": "wrong"}, "invalid_client"),
        ({"oauthTokenData": {"refresh_token": "x"}, "accessTokenUrl": "http://127.0.0.2/"}, "EXECUTIONS_ALLOWED_HOSTS"),
        ({"oauthTokenData": {"refresh_token": "x"}, "accessTokenUrl": "file:///x"}, "accessTokenUrl"),
    ],
)
def test_no_token_to_be_had_says_why(party: Party, provider: Provider, data, said: str, caplog) -> None:
    party.store(provider.data(**data))
    refused = data["oauthTokenData"].get("access_token", "")
    [error] = party.run(lambda credentials: renew(credentials, refused))
    assert isinstance(error, CredentialUnreadable)
    assert said in str(error)
    for secret in ("that is gone", SECRET):
        assert secret not in str(error) + caplog.text
    held = party.held()
    held["oauthTokenData"].pop(REFUSED, None)
    assert held == provider.data(**data)


def test_a_final_refusal_is_what_a_test_of_the_credential_says(party: Party, provider: Provider) -> None:
    """Nothing else would tell: a test does not spend the refresh token."""
    party.store(expiring(provider, 600))
    provider.refusal = (400, {"error": "invalid_grant", "error_description": "revoked"})
    tests = EngineCredentialTests(AddressRules.parse("127.0.0.1"))
    assert tests.problem(KIND, party.held()) is None
    party.run(renew)
    said = "The credential needs to be connected again: The provider refused (HTTP 400): invalid_grant: revoked"
    assert tests.problem(KIND, party.held()) == said
    provider.refusal = None
    party.run(renew)
    assert tests.problem(KIND, party.held()) is None


def test_a_refusal_of_tokens_that_were_replaced_meanwhile_is_not_kept(party: Party, provider: Provider) -> None:
    party.store(expiring(provider, 600))
    renewal = renewals.hold(party.connection, party.vault, "default", "c1", KIND, uuid4())
    assert renewal is not None
    connected = provider.data(oauthTokenData={"access_token": "new", "refresh_token": "second"})
    party.store(connected)
    renewals.keep_refusal(party.connection, party.vault, renewal, "refused")
    assert party.held() == connected


def test_a_refusal_is_no_matter_while_the_token_lasts(party: Party, provider: Provider) -> None:
    provider.refusal = (503, {})
    party.store(expiring(provider, 30))
    assert party.run(read) == ["old"]
    party.store(expiring(provider, -1))
    [error] = party.run(read)
    assert "HTTP 503" in str(error)


def test_a_slow_provider_holds_no_transaction_and_no_other_row(party: Party, provider: Provider) -> None:
    party.store(expiring(provider, 5))
    provider.go_on.clear()

    async def stopped(credentials: Credentials) -> Any:
        reading = asyncio.create_task(read(credentials))
        while not await asyncio.to_thread(begun, party):
            await asyncio.sleep(0.01)
        # Nothing waits for it: the row can be changed, and whoever wanted the token can be stopped.
        party.connection.execute("UPDATE credentials SET name = 'Other'")
        assert not party.connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
        ).fetchall()
        reading.cancel()
        await asyncio.wait([reading])
        provider.go_on.set()
        return reading.cancelled()

    assert party.run(stopped) == [True]
    assert {party.held()["oauthTokenData"]["access_token"]} == provider.access
    assert not begun(party)


def begun(party: Party) -> bool:
    """Whether somebody is at a renewal."""
    return bool(party.connection.execute("SELECT 1 FROM credentials WHERE renewal_until > now()").fetchall())


def test_what_a_killed_worker_has_begun_ends_by_itself(party: Party, provider: Provider) -> None:
    party.store(expiring(provider, 5))
    party.connection.execute(
        "UPDATE credentials SET renewal_holder = gen_random_uuid(), renewal_until = now() + interval '0.3 seconds'"
    )
    [token] = party.run(read)
    assert {token} == provider.access


@pytest.mark.parametrize(
    ("refusal", "refused"),
    [
        ((400, {"error": {"code": 190, "message": "Error validating token"}}), True),
        ((400, {"error": "invalid_grant"}), True),
        ((400, {"error": "invalid_client"}), False),
        ((503, {}), False),
    ],
)
def test_tokens_that_a_killed_worker_has_spent_are_said_to_be_lost(party, provider: Provider, refusal, refused) -> None:
    """However the provider says that it does not take them, and as long as it does."""
    party.store(expiring(provider, 600))
    provider.refusal = refusal
    party.connection.execute("UPDATE credentials SET renewal_holder = gen_random_uuid(), renewal_until = now()")
    errors = [str(error) for _ in range(2) for error in party.run(renew)]
    assert ["connected again: Its last renewal was interrupted" in error for error in errors] == [refused] * 2


def test_a_refusal_in_other_words_is_not_for_good(party: Party, provider: Provider) -> None:
    party.store(expiring(provider, 600))
    provider.refusal = (400, {"error": {"code": 190, "message": "Error validating token"}})
    [error] = party.run(renew)
    assert "connected again" not in str(error)


def test_an_outage_is_waited_for_before_a_new_token_is_lost(party: Party, provider: Provider, monkeypatch) -> None:
    party.store(expiring(provider, 5))
    monkeypatch.setattr("app.worker.renewals.MAX_PAUSE", 0.001)
    keep, attempts = renewals.keep, []

    def away(*arguments: Any) -> None:
        attempts.append(1)
        if len(attempts) < 8:
            raise psycopg.OperationalError("the server is away")
        party.connection.execute(
            "UPDATE credentials SET renewal_holder = gen_random_uuid(), renewal_until = now() + interval '1 hour'"
        )
        keep(*arguments)

    monkeypatch.setattr(renewals, "keep", away)
    [token] = party.run(read)
    assert {token} == provider.access, "also where another worker's renewal has begun meanwhile"
    assert party.held()["oauthTokenData"]["refresh_token"] in provider.refresh
    assert not begun(party)


def test_a_renewal_that_stores_nothing_ends_no_other_one(party: Party, provider: Provider) -> None:
    party.store(expiring(provider, 5))
    mine, other = uuid4(), uuid4()
    renewal = renewals.hold(party.connection, party.vault, "default", "c1", KIND, mine)
    assert renewal is not None
    connected = party.vault.encrypt("c1", KIND, provider.data(oauthTokenData={"access_token": "by consent"}))
    values = [connected.data, connected.key_id, other]
    party.connection.execute("UPDATE credentials SET data = %s, key_id = %s, renewal_holder = %s", values)
    renewals.keep(party.connection, party.vault, renewal, {"access_token": "late"})
    assert party.held()["oauthTokenData"] == {"access_token": "by consent"}
    assert party.connection.execute("SELECT renewal_holder FROM credentials").fetchall() == [(other,)]
    assert begun(party)
    renewals.keep(party.connection, party.vault, replace(renewal, holder=other), {"access_token": "late"})
    assert not begun(party)


def test_tokens_of_another_consent_are_not_replaced(party: Party, provider: Provider) -> None:
    party.store(expiring(provider, 5))
    provider.go_on.clear()

    async def reconnect(credentials: Credentials) -> Any:
        reading = asyncio.create_task(read(credentials))
        while not await asyncio.to_thread(begun, party):
            await asyncio.sleep(0.01)
        connected = provider.data(oauthTokenData={"access_token": "by consent"})
        secret = party.vault.encrypt("c1", KIND, connected)
        party.connection.execute("UPDATE credentials SET data = %s, key_id = %s", [secret.data, secret.key_id])
        provider.go_on.set()
        return await reading

    assert party.run(reconnect) == ["by consent"]


def test_a_service_s_own_type_is_renewed_where_it_is_known_to_be(party: Party, provider: Provider) -> None:
    kind = "googleSheetsOAuth2Api"
    tokens = expiring(provider, 5)["oauthTokenData"]
    data = {"clientId": "the client", "clientSecret": SECRET, "oauthTokenData": tokens}
    party.store({**data, "accessTokenUrl": f"{provider.url}/token"}, kind)
    [token] = party.run(lambda credentials: read(credentials, kind))
    assert {token} == provider.access
    assert provider.asked[0]["client_id"] == "the client"
    party.store(data, "anotherOAuth2Api")
    assert party.run(lambda credentials: read(credentials, "anotherOAuth2Api")) == ["old"]


def test_a_service_account_signs_for_its_token(party: Party, provider: Provider, monkeypatch) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.setattr(service_accounts, "TOKEN_URL", f"{provider.url}/token")
    provider.account = key.public_key()
    account = {"email": "a@b.example", "privateKey": pem.replace("\n", "\\n"), "scopes": "one,two\nthree"}
    party.store(account, "googleApi")
    [error] = party.run(lambda credentials: renew(credentials, "", "googleApi"))
    assert "httpNode" in str(error)
    party.store({**account, "httpNode": True, "inpersonate": True, "delegatedEmail": "c@b.example"}, "googleApi")
    [token] = party.run(lambda credentials: renew(credentials, "", "googleApi"))
    assert {token} == provider.access
    claims = provider.asked[0]
    assert (claims["iss"], claims["sub"], claims["scope"]) == ("a@b.example", "c@b.example", "one two three")
    party.store({**account, "httpNode": True, "privateKey": "no key"}, "googleApi")
    [error] = party.run(lambda credentials: renew(credentials, "", "googleApi"))
    assert "not an RSA key" in str(error)
