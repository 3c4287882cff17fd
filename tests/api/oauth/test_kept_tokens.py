"""Tokens of a credential that is changed: they stay only while it leads to the same provider."""

import threading

import pytest

from tests.api.conftest import Api
from tests.api.oauth.consents import held, made
from tests.credentials.provider import Provider


class Never(threading.Event):
    """Something that does not happen."""

    def set(self) -> None:
        """Not now either."""


def test_tokens_stay_with_a_credential_while_they_belong_to_it(api: Api, provider: Provider) -> None:
    data = provider.data(oauthTokenData={"access_token": "t"})
    credential_id = made(api, data)
    same = {name: value for name, value in data.items() if name != "oauthTokenData"} | {"clientSecret": "new"}
    answers = [api.patch(f"/credentials/{credential_id}", {"data": same})]
    assert held(api, credential_id) == {**same, "oauthTokenData": {"access_token": "t"}}
    wider = {"scope": "read write more"}
    answers.append(api.patch(f"/credentials/{credential_id}", {"data": wider, "isPartialData": True}))
    assert held(api, credential_id) == {**same, **wider, "oauthTokenData": {"access_token": "t"}}
    own_token = made(api, {**data, "grantType": "clientCredentials"})
    answers.append(api.patch(f"/credentials/{own_token}", {"data": wider, "isPartialData": True}))
    assert "oauthTokenData" not in held(api, own_token), "another one is got for these without anybody"
    same |= wider
    elsewhere = {"accessTokenUrl": "https://elsewhere.example.com/token"}
    answers.append(api.patch(f"/credentials/{credential_id}", {"data": elsewhere, "isPartialData": True}))
    assert held(api, credential_id) == {**same, **elsewhere}
    assert {answer.status_code for answer in answers} == {200}


def test_tokens_do_not_stay_while_nobody_knows_what_packages_define(api: Api, monkeypatch) -> None:
    kept = {"region": "eu", "clientSecret": "s"}
    credential_id = made(api, {**kept, "oauthTokenData": {"refresh_token": "r"}}, "snowflakeOAuth2Api")
    monkeypatch.setattr(api.services.packages, "ask", lambda: None)
    monkeypatch.setattr(api.services.packages, "_there", Never())  # the thread that reads goes on
    for change, expected in ((kept, True), ({"region": "us"}, False)):
        assert api.patch(f"/credentials/{credential_id}", {"data": change, "isPartialData": True}).status_code == 200
        assert ("oauthTokenData" in held(api, credential_id, "snowflakeOAuth2Api")) is expected


@pytest.mark.parametrize(
    ("kind", "field"),
    [("snowflakeOAuth2Api", "account"), ("zendeskOAuth2Api", "subdomain"), ("gitlabOAuth2Api", "server")],
)
def test_tokens_do_not_stay_when_a_service_s_own_field_leads_elsewhere(api: Api, kind: str, field: str) -> None:
    data = {"clientId": "c", "clientSecret": "s", field: "https://one.example"}
    credential_id = made(api, {**data, "oauthTokenData": {"access_token": "t", "refresh_token": "r"}}, kind)
    for change, expected in (({"clientSecret": "t"}, True), ({field: "https://two.example"}, False)):
        assert api.patch(f"/credentials/{credential_id}", {"data": change, "isPartialData": True}).status_code == 200
        assert ("oauthTokenData" in held(api, credential_id, kind)) is expected
