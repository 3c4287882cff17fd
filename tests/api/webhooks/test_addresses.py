"""Which call meets which webhook: activation, conflicts, methods, other origins, and who is let in."""

import base64
import time

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.api.webhooks.conftest import ECHO, ONE, Site, credential, webhook
from tests.patience import wait_until
from tests.rsa_keys import key_of_three_factors, pem_of
from tests.workflows import chain, node

POLICY = {"Origin": "https://a.b", "Access_Control_Request_Headers": "x-a"}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path(site: Site, method: str) -> None:
    answer = site.call(method, "nope/x")
    assert answer.status == 404
    assert answer.json["code"] == 404
    assert answer.message == f'The requested webhook "{method} nope/x" is not registered.'
    assert "active" in answer.json["hint"]


def test_a_method_that_is_not_registered(site: Site) -> None:
    hook = site.add(webhook(), ONE)
    answer = site.call("PUT", hook.path)
    message = "This webhook is not registered for PUT requests. Did you mean to make a GET request?"
    assert (answer.status, answer.message) == (404, message)
    assert site.call("HEAD", hook.path).status == 404
    assert site.call("GET", hook.path + "/").status == 200


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "PATCH", "POST", "PUT"])
def test_every_method(site: Site, method: str) -> None:
    assert site.answer(webhook(httpMethod=method), ONE, method=method).status == 200


def test_only_an_active_workflow_is_called(site: Site) -> None:
    hook = site.add(webhook(), ONE)
    base = f"/api/v1/workflows/{hook.workflow_id}"
    assert site.call("GET", hook.path).status == 200
    assert site.server.post(f"{base}/deactivate").status == 200
    assert site.call("GET", hook.path).status == 404
    assert site.activate(hook.workflow_id).status == 200
    assert site.call("GET", hook.path).status == 200
    assert site.server.call("DELETE", base).status == 409
    assert site.call("GET", hook.path).status == 200


def test_a_save_of_an_active_workflow_moves_its_webhooks(site: Site) -> None:
    hook = site.add(webhook(), ONE)
    base = f"/api/v1/workflows/{hook.workflow_id}"
    moved = webhook()
    document = chain(moved, ONE, name="Moved")
    assert site.server.call("PUT", base, document).status == 200
    assert site.call("GET", hook.path).status == 404
    assert site.call("GET", moved["parameters"]["path"]).json == {"a": 1}
    site.server.post(f"{base}/deactivate")
    assert site.server.call("PUT", base, document).status == 200
    assert site.call("GET", moved["parameters"]["path"]).status == 404, "an inactive workflow is not registered"


def test_a_path_that_another_workflow_has(site: Site) -> None:
    first = webhook()
    hook = site.add(first, ONE, executionOrder="v1")
    path = hook.path
    second = site.save([webhook(path=path), ONE], name="Second")
    answer = site.activate(second)
    assert answer.status == 409
    assert hook.workflow_id in answer.body["message"]
    assert f"GET {path}" in answer.body["message"]
    assert site.server.get(f"/api/v1/workflows/{second}").body["active"] is False
    other_method = site.save([webhook(path=path, httpMethod="POST"), ONE])
    assert site.activate(other_method).status == 200
    site.server.post(f"/api/v1/workflows/{hook.workflow_id}/deactivate")
    assert site.activate(second).status == 200


@pytest.mark.parametrize(
    "broken",
    [
        webhook(httpMethod="FETCH"),
        webhook(responseMode="sometimes"),
        webhook(authentication="basicAuth"),
        webhook(authentication="jwtAuth"),
        webhook(authentication="n8nOAuth2"),
        webhook(responseMode="={{ $json.mode }}"),
        webhook(path="={{ $('One').first().json.a }}"),
        webhook(responseMode="={{ 'last' + 'Nod' }}"),
    ],
)
def test_a_webhook_that_makes_no_sense_is_refused_at_activation(site: Site, broken: dict) -> None:
    workflow_id = site.save([broken, ONE])
    answer = site.activate(workflow_id)
    assert answer.status == 400
    assert "Webhook" in answer.body["message"]
    assert site.server.get(f"/api/v1/workflows/{workflow_id}").body["active"] is False


@pytest.mark.parametrize(
    ("options", "origin", "allowed"),
    [
        ({}, "https://z.z", "https://z.z"),
        ({"allowedOrigins": "*"}, "https://z.z", "https://z.z"),
        ({"allowedOrigins": "https://a.b, https://c.d"}, "https://c.d", "https://c.d"),
        ({"allowedOrigins": "https://a.b, https://c.d"}, "https://z.z", "https://a.b"),
    ],
)
def test_a_page_of_another_origin(site: Site, options: dict, origin: str, allowed: str) -> None:
    answer = site.answer(webhook(options=options), ONE, Origin=origin)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == allowed
    assert answer.headers["access-control-allow-methods"] == "OPTIONS, GET"


def test_a_browser_asks_first(site: Site) -> None:
    hook = site.add(webhook(), ONE)
    answer = site.call("OPTIONS", hook.path, Access_Control_Request_Method="GET", **POLICY)
    assert (answer.status, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "https://a.b"
    assert answer.headers["access-control-allow-methods"] == "OPTIONS, GET"
    assert answer.headers["access-control-allow-headers"] == "x-a"
    assert answer.headers["access-control-max-age"] == "300"
    bare = site.call("OPTIONS", hook.path)
    assert bare.status == 204
    assert "content-type" not in answer.headers | bare.headers
    assert "access-control-allow-origin" not in site.call("GET", hook.path).headers
    assert site.query("SELECT count(*) FROM executions WHERE workflow_id = %s", hook.workflow_id) == [(1,)]


def test_a_node_may_name_the_method_by_which_browsers_ask(site: Site) -> None:
    hook = site.add(webhook(multipleMethods=True, httpMethod=["GET", "OPTIONS"]), ONE)
    assert (site.call("OPTIONS", hook.path).status, site.call("GET", hook.path).status) == (204, 200)
    assert site.query("SELECT count(*) FROM executions WHERE workflow_id = %s", hook.workflow_id) == [(1,)]


@pytest.mark.parametrize(
    ("options", "headers", "status"),
    [
        ({"ignoreBots": True}, {"User_Agent": "Slackbot 1.0"}, 403),
        ({"ignoreBots": True}, {"User_Agent": "facebookexternalhit/1.1"}, 403),
        ({"ignoreBots": True}, {"User_Agent": "Mozilla/5.0"}, 200),
        ({"ipWhitelist": "10.0.0.1, 10.0.0.2"}, {}, 403),
        ({"ipWhitelist": "10.0.0.1, 127.0.0.0/8"}, {}, 200),
        ({"ipWhitelist": "127.0.0.1"}, {}, 200),
    ],
)
def test_who_is_let_in(site: Site, options: dict, headers: dict, status: int) -> None:
    hook = site.add(webhook(options=options), ONE)
    answer = site.call("GET", hook.path, **headers)
    assert answer.status == status
    if status == 403:
        said = (
            b"Authorization data is wrong!"
            if options.get("ignoreBots")
            else b"IP is not allowed to access the webhook!"
        )
        assert (answer.kind, answer.content) == ("text/plain; charset=utf-8", said)
    count = site.query("SELECT count(*) FROM executions WHERE workflow_id = %s", hook.workflow_id)
    assert count == [(int(status == 200),)], "a refused call starts nothing"


def test_basic_authentication(site: Site) -> None:
    hook = webhook(authentication="basicAuth")
    hook["credentials"] = credential(site, "httpBasicAuth", user="u", password="p")
    path = site.add(hook, ECHO).path
    assert site.call("GET", path, **basic("u:p")).status == 200
    for given in (
        {},
        basic("u:x"),
        basic("u"),
        basic(":p"),
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic !"},
        {"Authorization": "Basic \u00ff"},
    ):
        refused = site.call("GET", path, **given)
        assert refused.status == 401, given
        assert refused.headers["www-authenticate"] == 'Basic realm="Webhook"'


def test_header_authentication(site: Site) -> None:
    hook = webhook(authentication="headerAuth")
    hook["credentials"] = credential(site, "httpHeaderAuth", name="X-Key", value="sec")
    path = site.add(hook, ECHO).path
    assert site.call("GET", path, x_key="sec").status == 200
    for given in ({}, {"x_key": "no"}, {"x_key": ""}):
        assert site.call("GET", path, **given).status == 403, given
    with psycopg.connect(site.database_url) as connection:  # as if it had been encrypted with another key
        (named,) = hook["credentials"].values()
        connection.execute("UPDATE credentials SET key_id = 'other' WHERE id = %s", [named["id"]])
    refused = site.call("GET", path, x_key="sec")
    assert (refused.status, refused.message) == (500, "The credential of this webhook cannot be read")


def bearer(payload: dict, key: str, algorithm: str = "HS256") -> dict[str, str]:
    return {"Authorization": f"Bearer {jwt.encode(payload, key, algorithm)}"}


def test_tokens_that_a_shared_secret_signs(site: Site) -> None:
    secret = "a secret of forty characters, or nearly"
    hook = webhook(authentication="jwtAuth", httpMethod="POST")
    hook["credentials"] = credential(site, "jwtAuth", keyType="passphrase", secret=secret, algorithm="HS256")
    path = site.add(hook, ECHO).path
    said = site.call("POST", path, **bearer({"sub": "ada", "aud": "any"}, secret))
    assert (said.status, said.json["json"]["jwtPayload"]) == (200, {"sub": "ada", "aud": "any"})
    now = int(time.time())
    unsigned = jwt.encode({"a": 1}, None, "none")
    for status, message, headers in (
        (401, "No token provided", {}),
        (401, "No token provided", {"Authorization": "Bearer "}),
        (403, "jwt malformed", {"Authorization": "Bearer abc"}),
        (403, "invalid signature", bearer({}, "x" * 40)),
        (403, "invalid algorithm", bearer({}, secret * 2, "HS512")),
        (403, "jwt signature is required", {"Authorization": f"Bearer {unsigned}"}),
        (403, "jwt expired", bearer({"exp": now - 10}, secret)),
        (403, "jwt not active", bearer({"nbf": now + 100}, secret)),
    ):
        refused = site.call("POST", path, **headers)
        assert (refused.status, refused.content.decode()) == (status, message), headers
        assert refused.headers["www-authenticate"] == 'Basic realm="Webhook"'


def test_tokens_that_a_private_key_signs(site: Site) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    hook = webhook(authentication="jwtAuth")
    folded = public.replace("\n", " ")
    hook["credentials"] = credential(site, "jwtAuth", keyType="pemKey", publicKey=folded, algorithm="ES256")
    path = site.add(hook, ECHO).path
    assert site.call("GET", path, **bearer({"a": 1}, private, "ES256")).status == 200
    other = ec.generate_private_key(ec.SECP256R1())
    assert site.call("GET", path, **bearer({"a": 1}, other, "ES256")).status == 403
    assert site.call("GET", path, **bearer({"a": 1}, "k" * 40)).content == b"invalid algorithm"


def test_nobody_tests_the_factors_of_a_key_when_a_call_comes(site: Site) -> None:
    """Of a key of 16,384 bits that takes a minute, in which nothing else in the process goes on."""
    private = key_of_three_factors()
    for key, status in ((pem_of(private), 200), ("no key", 403)):
        hook = webhook(authentication="jwtAuth", responseMode="onReceived")
        hook["credentials"] = credential(site, "jwtAuth", keyType="pemKey", publicKey=key, algorithm="RS256")
        said = site.call("GET", site.add(hook).path, **bearer({"a": 1}, private, "RS256"))
        assert said.status == status, said.content
    assert said.content == b"invalid key"


def test_a_credential_without_a_key_lets_nobody_in(site: Site) -> None:
    hook = webhook(authentication="jwtAuth")
    hook["credentials"] = credential(site, "jwtAuth", keyType="passphrase", secret="", algorithm="HS256")
    path = site.add(hook, ECHO).path
    assert site.call("GET", path, **bearer({}, "k" * 40)).status == 500


def test_expressions_of_a_webhook_see_the_workflow(site: Site) -> None:
    entries = [{"name": "X-Made", "value": "={{ 1 + 1 }}"}]
    code = {"values": {"responseCode": "={{ 200 + 2 }}"}}
    options = {"responseHeaders": {"entries": entries}, "responsePropertyName": "={{ 'dee' + 'p.b' }}"}
    hook = webhook(
        path="=orders-{{ $workflow.name.toLowerCase() }}",
        httpMethod="={{ 'PO' + 'ST' }}",
        responseMode="={{ 'lastNode' }}",
        options={**options, "responseCode": code},
    )
    deep = node("Deep", "set", {"mode": "raw", "jsonOutput": '{"deep": {"b": 5}}', "options": {}}, 3.4)
    assert site.activate(site.save([hook, deep], name="Made")).status == 200
    said = site.call("POST", "orders-made", {})
    assert (said.status, said.json, said.headers["x-made"]) == (202, 5, "2")


def test_what_a_wait_computes_is_no_matter_of_its_webhook(site: Site) -> None:
    wait = {"resume": "webhook", "limitWaitTime": True, "resumeAmount": "={{ $json.a }}", "resumeUnit": "hours"}
    url = node("Url", "set", {"mode": "raw", "jsonOutput": '={"url": "{{ $execution.resumeUrl }}", "a": 1}'}, 3.4)
    hook = site.add(webhook(responseMode="onReceived"), url, node("Wait", "wait", wait, 1.1, webhookId="w"))
    site.call("GET", hook.path)
    wait_until(lambda: site.latest(hook)["status"] == "waiting", lambda: site.latest(hook), pause=0.05)
    [run] = site.latest(hook)["data"]["resultData"]["runData"]["Url"]
    address = run["data"]["main"][0][0]["json"]["url"].partition("/webhook-waiting/")[2]
    assert site.call("GET", address, base="/webhook-waiting/").status == 200
