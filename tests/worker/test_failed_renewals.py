"""Renewals that fail: what a provider refuses, what a killed worker has begun, and an outage of the database."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from app.credential_tests import EngineCredentialTests
from app.credentials import renewals
from app.credentials.tokens import IDENTITY, REFUSED
from app.engine.run.credentials import CredentialUnreadable
from app.outgoing.addresses import AddressRules
from tests.credentials.provider import SECRET, Provider
from tests.worker.renewing import KIND, Party, begun, expiring, read, renew


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
    renewals.keep_refusal(party.connection, party.vault, renewal, IDENTITY, "refused")
    assert party.held() == connected


def test_a_refusal_is_no_matter_while_the_token_lasts(party: Party, provider: Provider) -> None:
    provider.refusal = (503, {})
    party.store(expiring(provider, 30))
    assert party.run(read) == ["old"]
    party.store(expiring(provider, -1))
    [error] = party.run(read)
    assert "HTTP 503" in str(error)


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
