"""Consents: from the API's address over the provider and back, once, for one credential in one project."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.credentials.tokens import EXPIRES_AT
from tests.api.conftest import Api
from tests.api.oauth.consents import ORIGIN, SAME_ORIGIN, authorize, back, came_back, held, made, signed_in
from tests.credentials.provider import CLIENT, OAUTH1, SECRET, Provider


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"grantType": "pkce"},
        {"authentication": "body"},
        {"grantType": "pkce", "authentication": "body", "authQueryParameters": "access_type=offline&state=mine"},
    ],
)
def test_a_consent_stores_tokens_as_n8n_does(api: Api, provider: Provider, data) -> None:
    credential_id = made(api, provider.data(**data))
    began = datetime.now(UTC).timestamp()
    url = authorize(api, credential_id)
    query = dict(parse_qsl(urlsplit(url).query))
    assert query["redirect_uri"] == f"{ORIGIN}/rest/oauth2-credential/callback"
    assert (query["scope"], query.get("access_type")) == ("read write", "offline" if "authQuery" in str(data) else None)
    assert ("code_challenge" in query) == (data.get("grantType") == "pkce")
    answer = back(api, provider.consented(url))
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert "My &lt;b&gt;service&lt;/b&gt;" in answer.text
    tokens = held(api, credential_id)["oauthTokenData"]
    assert tokens["access_token"] in provider.access
    assert tokens["refresh_token"] in provider.refresh
    assert began + 3590 <= int(tokens[EXPIRES_AT]) / 1000 <= datetime.now(UTC).timestamp() + 3600
    assert provider.asked[0].get("client_id") in (None, CLIENT)


def test_a_state_is_good_once_and_the_last_one_counts(api: Api, provider: Provider) -> None:
    credential_id = made(api, provider.data())
    early = provider.consented(authorize(api, credential_id))
    late = provider.consented(authorize(api, credential_id))
    assert back(api, early).status_code == 400
    assert back(api, late).status_code == 200
    tokens = held(api, credential_id)
    again = back(api, late)
    assert (again.status_code, "used already" in again.text) == (400, True)
    assert (len(provider.asked), held(api, credential_id)) == (1, tokens)


def test_a_consent_ends_in_the_session_that_began_it(api: Api, provider: Provider) -> None:
    credential_id = made(api, provider.data())
    beginner, other = signed_in(api, "everything"), signed_in(api, "everything")
    answer = beginner.get(f"/api/v1/credentials/{credential_id}/authorize", headers=SAME_ORIGIN, base_url=ORIGIN)
    callback = provider.consented(answer.json["authorizationUrl"])
    for browser in (other, api.client.application.test_client()):
        said = came_back(browser, callback)
        assert (said.status_code, "the session in which it was begun" in said.text) == (400, True)
    assert provider.asked == []
    assert came_back(beginner, callback).status_code == 200
    assert "used already" in came_back(beginner, callback).text


def test_a_consent_that_a_key_began_ends_in_no_session_of_another(api: Api, provider: Provider) -> None:
    credential_id = made(api, provider.data())
    callback = provider.consented(authorize(api, credential_id))
    api.with_key("another", "*")
    assert came_back(signed_in(api, "another"), callback).status_code == 400
    assert provider.asked == []
    assert came_back(signed_in(api, "everything"), callback).status_code == 200


def test_a_consent_ends_with_its_key(api: Api, provider: Provider) -> None:
    credential_id = made(api, provider.data())
    callback = provider.consented(authorize(api, credential_id))
    api.db.execute("UPDATE api_keys SET revoked_at = now()")
    api.db.commit()
    assert back(api, callback).status_code == 400
    assert provider.asked == []


def test_a_state_expires_and_cannot_be_made_up(api: Api, provider: Provider) -> None:
    credential_id = made(api, provider.data())
    callback = provider.consented(authorize(api, credential_id))
    api.db.execute("UPDATE oauth_consents SET expires_at = now()")
    api.db.commit()
    assert back(api, callback).status_code == 400
    for state in ("", "x", "x.y", "a.é", "." * 5000, "\0"):
        answer = api.with_key(None).call("GET", "/rest/oauth2-credential/callback", query_string={"state": state})
        assert answer.status_code == 400
    assert provider.asked == []


def test_a_state_of_one_credential_leads_to_no_other(api: Api, provider: Provider) -> None:
    first, second = made(api, provider.data()), made(api, provider.data())
    callback = provider.consented(authorize(api, first))
    authorize(api, second)
    assert back(api, callback).status_code == 200
    assert "oauthTokenData" not in held(api, second)


def test_another_project_neither_begins_nor_ends_a_consent(api: Api, provider: Provider) -> None:
    credential_id = made(api, provider.data())
    other = api.with_key("other", "*", project_id=api.project("other"))
    assert other.get(f"/credentials/{credential_id}/authorize").status_code == 404
    reader = api.with_key("reader", "credential:read")
    assert reader.get(f"/credentials/{credential_id}/authorize").status_code == 403
    callback = provider.consented(authorize(api, credential_id))
    moved = api.put(f"/credentials/{credential_id}/transfer", {"destinationProjectId": "other"})
    assert moved.status_code == 204
    assert back(api, callback).status_code == 400
    assert provider.asked == []


@pytest.mark.parametrize(
    ("kind", "data", "change"),
    [("oAuth2Api", {}, {"clientId": "another"}), ("snowflakeOAuth2Api", {"account": "mine"}, {"account": "other"})],
)
def test_a_credential_that_was_changed_meanwhile_gets_no_tokens(
    api: Api, provider: Provider, asked: list[None], monkeypatch, kind, data, change
) -> None:
    credential_id = made(api, provider.data(**data), kind)
    callback = provider.consented(authorize(api, credential_id))
    give = provider.new_tokens

    def change_first() -> dict[str, Any]:
        changed = {"data": change, "isPartialData": True}
        assert api.patch(f"/credentials/{credential_id}", changed).status_code == 200
        return give()

    monkeypatch.setattr(provider, "new_tokens", change_first)
    answer = back(api, callback)
    assert (answer.status_code, "was changed" in answer.text) == (400, True)
    assert "oauthTokenData" not in held(api, credential_id, kind)
    assert asked


def test_what_the_provider_says_is_told_without_secrets_and_scripts(api: Api, provider: Provider) -> None:
    credential_id = made(api, provider.data())
    callback = provider.consented(authorize(api, credential_id))
    provider.refusal = (400, {"error": "invalid_client", "error_description": f"<script>{SECRET}\n</script>"})
    answer = back(api, callback)
    assert answer.status_code == 400
    assert "The provider refused (HTTP 400): invalid_client: &lt;script&gt;**hidden** &lt;/script&gt;" in answer.text
    assert "<script" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    state = dict(parse_qsl(urlsplit(authorize(api, credential_id)).query))["state"]
    long = "<b>no</b>" + "." * 470 + SECRET  # cut in the middle of the secret
    said = {"error": "access_denied", "error_description": long, "state": state}
    looked = api.with_key(None).call("HEAD", "/rest/oauth2-credential/callback", query_string=said)
    assert looked.status_code == 204
    for expected in ("access_denied: &lt;b&gt;no&lt;/b&gt;", "used already"):
        declined = api.with_key(None).call("GET", "/rest/oauth2-credential/callback", query_string=said)
        assert (declined.status_code, expected in declined.text) == (400, True), declined.text
        assert f".{SECRET[:4]}" not in declined.text


def test_a_providers_own_parameters_may_have_any_name(api: Api, provider: Provider) -> None:
    given = "uri=a&self=b&scope=c&state=d&client_id=e&redirect_uri=f&access_type=offline"
    credential_id = made(api, provider.data(scope="mine", authQueryParameters=given))
    query = parse_qsl(urlsplit(authorize(api, credential_id)).query)
    sent = dict(query)
    assert len(sent) == len(query), "each is sent once"
    assert (sent["uri"], sent["self"], sent["access_type"], sent["scope"]) == ("a", "b", "offline", "mine")
    assert not {sent["state"], sent["client_id"], sent["redirect_uri"]} & {"d", "e", "f"}


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("oAuth2Api", {"grantType": "clientCredentials"}, "need no consent"),
        ("oAuth2Api", {"jweEnabled": True}, "jweEnabled"),
        ("oAuth2Api", {"clientId": ""}, "no clientId"),
        ("oAuth2Api", {"authUrl": "javascript:alert(1)"}, "authUrl"),
        ("oAuth2Api", {"useDynamicClientRegistration": True, "clientId": ""}, "Dynamic client registration"),
        ("googleSheetsOAuth2Api", {"scope": ""}, "scopes"),
        ("httpBasicAuth", None, "not connected by consent"),
    ],
)
def test_what_cannot_be_connected_says_why(api: Api, provider: Provider, kind, data, said) -> None:
    credential_id = made(api, {"user": "a"} if data is None else provider.data(**data), kind)
    answer = api.get(f"/credentials/{credential_id}/authorize")
    assert (answer.status_code, said in answer.json["message"]) == (409, True), answer.json


def test_services_are_known_by_their_types(api: Api) -> None:
    given = {"clientId": "c", "clientSecret": "s", "scope": "a"}
    google = authorize(api, made(api, given, "gmailOAuth2"))
    assert google.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    assert "access_type=offline" in google
    shop = authorize(api, made(api, {**given, "shopSubdomain": "shoes"}, "shopifyOAuth2Api"))
    assert shop.startswith("https://shoes.myshopify.com/admin/oauth/authorize?")
    hub = authorize(api, made(api, {**given, "server": "https://hub.example.com/api/v3"}, "githubOAuth2Api"))
    assert hub.startswith("https://hub.example.com/login/oauth/authorize?")


def test_private_addresses_are_out_of_reach_from_the_api_too(api: Api, provider: Provider) -> None:
    elsewhere = {"accessTokenUrl": provider.url.replace("127.0.0.1", "127.0.0.2") + "/token"}
    answer = back(api, provider.consented(authorize(api, made(api, provider.data(**elsewhere)))))
    assert (answer.status_code, "EXECUTIONS_ALLOWED_HOSTS" in answer.text) == (400, True)
    assert provider.asked == []


def test_oauth_1(api: Api, provider: Provider) -> None:
    urls = {"requestTokenUrl": "/request", "authUrl": "/authorize?x=1", "accessTokenUrl": "/access"}
    data = {**OAUTH1, **{name: provider.url + path for name, path in urls.items()}}
    credential_id = made(api, data, "oAuth1Api")
    url = authorize(api, credential_id)
    assert url == f"{provider.url}/authorize?x=1&oauth_token=r1"
    callback = provider.asked[0]["oauth_callback"]
    assert callback.startswith(f"{ORIGIN}/rest/oauth1-credential/callback?state=")
    assert back(api, f"{callback}&oauth_token=other&oauth_verifier=v1").status_code == 400
    authorize(api, credential_id)
    callback = provider.asked[-1]["oauth_callback"]
    answer = back(api, f"{callback}&oauth_token=r1&oauth_verifier=v1")
    assert answer.status_code == 200, answer.text
    assert provider.asked[-1]["oauth_verifier"] == "v1"
    tokens = held(api, credential_id, "oAuth1Api")["oauthTokenData"]
    assert tokens == {"oauth_token": "a1", "oauth_token_secret": "access secret", "user_id": "7"}
