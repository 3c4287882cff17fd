"""What is asked of a provider of OAuth 2, as n8n asks it, and what its answers mean."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.credentials import oauth1, oauth2
from app.credentials.masking import Mask
from app.credentials.oauth2 import OAuthClient
from app.credentials.oauth_errors import ConsentNeeded, NotUsable, ProviderRefused
from app.credentials.tokens import EXPIRES_AT, is_due, merge
from app.outgoing.calls import Answer

DATA = {"clientId": "id", "clientSecret": "se/c=r et", "accessTokenUrl": "https://p.example/token", "scope": "a b"}
OWN = {**DATA, "grantType": "clientCredentials"}
HELD = {"access_token": "a", "refresh_token": "r1"}
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "body", "login"),
    [
        (OWN, "grant_type=client_credentials&scope=a%20b", "Basic aWQ6c2UvYz1yIGV0"),
        ({**OWN, "clientSecret": "", "scope": ""}, "grant_type=client_credentials", "Basic aWQ6"),
        (
            {
                **OWN,
                "authentication": "body",
                "sendAdditionalBodyProperties": True,
                "additionalBodyProperties": '{"audience": "x", "n": 1, "l": [1, "b"], "t": true, "o": null}',
            },
            "grant_type=client_credentials&audience=x&n=1&l=1&l=b&t=true&o=&scope=a%20b&client_id=id&client_secret=se%2Fc%3Dr%20et",
            None,
        ),
        (DATA, "refresh_token=r1&grant_type=refresh_token", "Basic aWQ6c2UvYz1yIGV0"),
        (
            {**DATA, "authentication": "body"},
            "refresh_token=r1&grant_type=refresh_token&client_id=id&client_secret=se%2Fc%3Dr%20et",
            None,
        ),
        (
            {**DATA, "grantType": "pkce", "clientSecret": ""},
            "refresh_token=r1&grant_type=refresh_token&client_id=id",
            None,
        ),
    ],
)
def test_a_renewal_is_asked_for_as_n8n_does(data: dict[str, Any], body: str, login: str | None) -> None:
    call = oauth2.renewal_call(OAuthClient.of(data), HELD)
    assert (call.method, call.url, call.content.decode()) == ("POST", "https://p.example/token", body)
    assert dict(call.headers).get("Authorization") == login
    assert dict(call.headers)["Content-Type"] == "application/x-www-form-urlencoded"
    assert (call.secret_body, call.verify) == (True, True)


@pytest.mark.parametrize(
    "data",
    [
        {**DATA, "grantType": "implicit"},
        {**DATA, "accessTokenUrl": "p.example/token"},
        {**DATA, "accessTokenUrl": "http://[::1/token"},
        {**DATA, "clientCredentialType": "certificate"},
        {**OWN, "authentication": "body", "sendAdditionalBodyProperties": True, "additionalBodyProperties": "[1]"},
    ],
)
def test_what_cannot_be_asked_for_is_refused(data) -> None:
    with pytest.raises(NotUsable):
        oauth2.renewal_call(OAuthClient.of(data), HELD)


@pytest.mark.parametrize(("held", "said"), [({}, "not connected yet"), ({"access_token": "a"}, "connected again")])
def test_without_a_refresh_token_somebody_has_to_consent(held, said: str) -> None:
    with pytest.raises(ConsentNeeded, match=said):
        oauth2.renewal_call(OAuthClient.of(DATA), held)


def answer(content: str, status: int = 200) -> Answer:
    return Answer(status, "", {}, content.encode(), "https://p.example/token")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"access_token": "t", "x": [1]}', {"access_token": "t", "x": [1]}),
        ("access_token=t&expires_in=5", {"access_token": "t", "expires_in": "5"}),
        ('{"ok": true, "authed_user": {"access_token": "u"}}', {"ok": True, "authed_user": {"access_token": "u"}}),
    ],
)
def test_tokens_come_as_json_or_as_a_form(content: str, expected) -> None:
    assert oauth2.tokens_of(answer(content), []) == expected


@pytest.mark.parametrize(
    ("content", "status", "said", "for_good"),
    [
        ('{"error": "invalid_grant", "error_description": "gone"}', 400, "(HTTP 400): invalid_grant: gone", True),
        ('{"error": "bad_verification_code"}', 200, "(HTTP 200): bad_verification_code", False),
        ("<html>" + "x" * 100_000, 502, "(HTTP 502)", False),
        ("[]", 200, "no access token", False),
        ('\n<a href="https://p.example/?a=1&access_token=x&b">Log in</a>', 200, "no access token", False),
        ('{"access_token": ""}', 200, "no access token", False),
        ('{"access_token": "' + "x" * 70_000 + '"}', 200, "more than", False),
        ('{"error": {"message": "secret-of-ours"}, "message": "the secret-of-ours"}', 403, "the **hidden**", False),
        ('{"error": "' + "e" * 92 + 'secret-of-ours"}', 400, "e**hidden", False),
        ('{"error": "e", "message": "' + "m" * 490 + 'secret-of-ours"}', 400, "m**hidden**", False),
    ],
)
def test_a_refusal_is_told_in_the_provider_s_words(content: str, status: int, said: str, for_good: bool) -> None:
    with pytest.raises(ProviderRefused) as raised:
        oauth2.tokens_of(answer(content, status), ["secret-of-ours"])
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)
    assert len(str(raised.value)) < 1_000
    assert raised.value.for_good is for_good


def test_a_refusal_of_oauth_1_is_masked_before_it_is_cut() -> None:
    with pytest.raises(ProviderRefused, match=r"m\*\*hid$"):
        oauth1.tokens_of(answer("m" * 195 + "secret-of-ours", 400), Mask(["secret-of-ours"]))


@pytest.mark.parametrize(
    ("life", "after", "due"),
    [(3600, 3539, False), (3600, 3541, True), (10, 8, False), (10, 9.5, True), ("3600", 3601, True), (None, 9e9, False),
     ("soon", 9e9, False), (-5, 9e9, False), (float("nan"), 9e9, False), (True, 9e9, False)],
)  # fmt: skip
def test_a_token_is_due_shortly_before_its_end(life: Any, after: float, due: bool) -> None:
    held = merge({EXPIRES_AT: "1", "expires_in": 1}, {"access_token": "t", "expires_in": life}, MOMENT)
    now = datetime.fromtimestamp(min(MOMENT.timestamp() + after, 1e11), UTC)
    assert is_due(held, now) is due


@pytest.mark.parametrize("given", [{}, {"refresh_token": None}, {"refresh_token": ""}])
def test_an_empty_refresh_token_takes_no_good_one_away(given: dict[str, Any]) -> None:
    held = merge({"access_token": "old", "refresh_token": "first"}, {"access_token": "new", **given}, MOMENT)
    assert held == {"access_token": "new", "refresh_token": "first"}
