"""Credentials with OAuth over the API: made, connected, and as they are stored then."""

from typing import Any

from flask.testing import FlaskClient

from tests.api.conftest import Api

ORIGIN = "https://n8n.example.com"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def made(api: Api, data: dict[str, Any], kind: str = "oAuth2Api") -> str:
    answer = api.post("/credentials", {"name": "My <b>service</b>", "type": kind, "data": data})
    assert answer.status_code == 200, answer.json
    return answer.json["id"]


def authorize(api: Api, credential_id: str) -> str:
    answer = api.get(f"/credentials/{credential_id}/authorize")
    assert answer.status_code == 200, answer.json
    return answer.json["authorizationUrl"]


def back(api: Api, callback: str):
    """What a browser without any key gets at the address that the provider sends it to."""
    assert callback.startswith(f"{ORIGIN}/rest/oauth")
    return api.with_key(None).call("GET", callback.removeprefix(ORIGIN))


def signed_in(api: Api, key: str) -> FlaskClient:
    """A browser that somebody has signed in to the console with."""
    browser = api.client.application.test_client()
    signed = browser.post("/console/sign-in", data={"key": key}, headers=SAME_ORIGIN, base_url=ORIGIN)
    assert signed.status_code == 303
    return browser


def came_back(browser: FlaskClient, callback: str):
    """What a browser gets that the provider has sent back."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
    return browser.get(callback.removeprefix(ORIGIN), headers=headers, base_url=ORIGIN)


def held(api: Api, credential_id: str, kind: str = "oAuth2Api") -> dict[str, Any]:
    api.db.rollback()
    vault = api.client.application.extensions["executions"].vault
    return vault.read_in_project(api.db, "default", credential_id, kind)
