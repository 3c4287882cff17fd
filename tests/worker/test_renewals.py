"""Tokens are renewed once, however many executions and workers want it, and stored before anybody goes on."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.credentials import renewals, service_accounts
from app.credentials.tokens import IDENTITY
from app.worker.credentials import Credentials
from tests.credentials.provider import SECRET, Provider
from tests.worker.renewing import KIND, Party, Work, begun, expiring, read, renew


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


def test_a_renewal_that_stores_nothing_ends_no_other_one(party: Party, provider: Provider) -> None:
    party.store(expiring(provider, 5))
    mine, other = uuid4(), uuid4()
    renewal = renewals.hold(party.connection, party.vault, "default", "c1", KIND, mine)
    assert renewal is not None
    connected = party.vault.encrypt("c1", KIND, provider.data(oauthTokenData={"access_token": "by consent"}))
    values = [connected.data, connected.key_id, other]
    party.connection.execute("UPDATE credentials SET data = %s, key_id = %s, renewal_holder = %s", values)
    renewals.keep(party.connection, party.vault, renewal, IDENTITY, {"access_token": "late"})
    assert party.held()["oauthTokenData"] == {"access_token": "by consent"}
    assert party.connection.execute("SELECT renewal_holder FROM credentials").fetchall() == [(other,)]
    assert begun(party)
    renewals.keep(party.connection, party.vault, replace(renewal, holder=other), IDENTITY, {"access_token": "late"})
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
