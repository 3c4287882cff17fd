"""What a workflow answers never speaks for the origin or the connection that it is answered from."""

import base64
from typing import Any

import pytest
from flask import Flask

from app.api.webhooks.answers import render_answer
from tests.api.webhooks.conftest import ONE, Site, code, respond, webhook

POLICY = "sandbox allow-forms allow-scripts"


def entries(headers: dict[str, str]) -> dict[str, Any]:
    return {"entries": [{"name": name, "value": value} for name, value in headers.items()]}


def by_node(**headers: str) -> list[dict[str, Any]]:
    named = entries({name.replace("_", "-"): value for name, value in headers.items()})
    hook = webhook(responseMode="responseNode")
    return [hook, respond(respondWith="text", responseBody="hello", options={"responseHeaders": named})]


def at_once(**headers: str) -> list[dict[str, Any]]:
    named = entries({name.replace("_", "-"): value for name, value in headers.items()})
    return [webhook(responseMode="onReceived", options={"responseHeaders": named, "responseData": "hello"}), ONE]


OURS = {
    "Content_Security_Policy": "sandbox allow-scripts allow-same-origin",
    "content_security_policy": "script-src *",
    "X_Content_Type_Options": "none",
    "Service_Worker_Allowed": "/",
    "Clear_Site_Data": '"*"',
    "Strict_Transport_Security": "max-age=99999999",
    "Alt_Svc": 'h2="evil.example:443"',
    "NEL": '{"report_to":"x","max_age":99}',
    "Report_To": "{}",
    "X_Accel_Redirect": "/etc/passwd",
    "X_Sendfile": "/etc/passwd",
    "X_Sendfile2": "/etc/passwd 0-9",
    "X_Sendfile_Temporary": "/etc/passwd",
    "X_LiteSpeed_Location": "/etc/passwd",
    "Surrogate_Control": 'content="ESI/1.0"',
    "Edge_Control": "dca=esi",
    "X_ESI": "1",
    "X_Envoy_Immediate_Health_Check_Fail": "yes",
    "X_Middleware_Rewrite": "https://evil.example/",
    "X_Archive_Files": "zip",
    "Fly_Replay": "app=other",
    "Fly_Replay_Cache": "/*",
    "Set_Login": "logged-in",
    "Shared_Storage_Write": "clear",
    "Attribution_Reporting_Register_Source": "{}",
    "Use_As_Dictionary": 'match="/*"',
    "Sec_Session_Registration": '(ES256);path="/x"',
    "X_Request_Id": "mine",
    "Server": "mine",
    "Date": "never",
    "Connection": "upgrade",
    "Upgrade": "websocket",
    "Keep_Alive": "timeout=1",
    "Transfer_Encoding": "chunked",
    "Trailer": "X-A",
    "Proxy_Authenticate": "Basic",
}


@pytest.mark.parametrize("nodes", [by_node, at_once])
def test_what_is_the_servers_own(site: Site, nodes: Any) -> None:
    hook = site.add(*nodes(**OURS))
    said = site.call("GET", hook.path)
    assert (said.status, said.content) == (200, b"hello")
    assert said.headers["content-security-policy"] == POLICY
    assert said.headers["x-content-type-options"] == "nosniff"
    sent = {name.replace("_", "-").lower(): value for name, value in OURS.items()}
    assert {name for name, value in said.headers.items() if sent.get(name) == value} == set()
    assert not {"service-worker-allowed", "clear-site-data", "alt-svc", "upgrade", "trailer"} & said.headers.keys()


@pytest.mark.parametrize("nodes", [by_node, at_once])
@pytest.mark.parametrize("length", ["3", "500", "-1", "x", ""])
def test_the_length_is_that_of_the_answer(site: Site, nodes: Any, length: str) -> None:
    said = site.call("GET", site.add(*nodes(Content_Length=length)).path)
    assert (said.content, said.headers["content-length"]) == (b"hello", "5")


def test_what_may_be_said_is_said(site: Site) -> None:
    passed = {"Cache_Control": "max-age=60", "ETag": '"1"', "X_Frame_Options": "DENY", "WWW_Authenticate": "Basic"}
    passed |= {"X_Esignature": "s", "X_Sendfiles": "2", "X_Archive_Files_Count": "3", "Surrogate_Controls": "4"}
    passed |= {"Edge_Controller": "5", "Fly_Replayed": "6"}
    said = site.call("GET", site.add(*by_node(**passed)).path)
    assert {said.headers[name.replace("_", "-").lower()] for name in passed} == set(passed.values())


@pytest.mark.parametrize(
    "cookie", ["a=b", "a=b; Path=/; Domain=example.com; HttpOnly", "a=b; PATH=/; HttpOnly;domain=x"]
)
def test_a_cookie_goes_to_webhooks_only(site: Site, cookie: str) -> None:
    given = site.call("GET", site.add(*by_node(Set_Cookie=cookie)).path).headers["set-cookie"]
    assert given in ("a=b; Path=/webhook", "a=b; HttpOnly; Path=/webhook")


@pytest.mark.parametrize("kind", ["Multipart/X-Mixed-Replace; boundary=x", "text/html, multipart/x-mixed-replace"])
def test_an_answer_is_one_answer(site: Site, kind: str) -> None:
    assert site.call("GET", site.add(*by_node(Content_Type=kind)).path).kind == "text/html; charset=utf-8"


@pytest.mark.parametrize("value", ["a\r\nX-B: c", "a\nb", "={{ 'a\\u0000b' }}", "a\x7fb", "a\u2028b", "日本"])
@pytest.mark.parametrize("nodes", [by_node, at_once])
def test_no_value_ends_its_line(site: Site, nodes: Any, value: str) -> None:
    said = site.call("GET", site.add(*nodes(X_A=value)).path)
    assert (said.status, said.content) == (200, b"hello")
    assert "x-a" in said.headers
    assert "x-b" not in said.headers


def test_what_is_not_latin_1_goes_as_utf_8(site: Site) -> None:
    said = site.call("GET", site.add(*by_node(X_A="日本", X_B="é")).path)
    assert (said.headers["x-a"].encode("latin-1").decode(), said.headers["x-b"]) == ("日本", "é")


@pytest.mark.parametrize("name", ["a b", "a\r\nb", "ü", "a:", "日本", "x" * 300])
def test_a_name_that_no_header_can_have(site: Site, name: str) -> None:
    options = {"responseHeaders": entries({name: "v"})}
    hook = site.add(webhook(responseMode="responseNode"), respond(respondWith="text", options=options))
    said = site.call("GET", hook.path)
    assert (said.status, said.message) == (500, "Error in workflow")
    assert "cannot be sent" in site.latest(hook)["error"]["message"]
    said = site.answer(webhook(responseMode="onReceived", options=options), ONE)
    assert said.status == 500
    assert "cannot be sent" in said.message


@pytest.mark.parametrize(
    "status", [100, 101, 103, 199, 600, 999, -1, 0.5, 1e9, "x", "\uff12\uff10\uff10", [200], {"a": 1}, True]
)
def test_a_status_that_no_answer_can_have(site: Site, status: Any) -> None:
    hook = site.add(
        webhook(responseMode="responseNode"), respond(respondWith="noData", options={"responseCode": status})
    )
    assert site.call("GET", hook.path).message == "Error in workflow"
    assert site.latest(hook)["error"]["message"].startswith("The response code must be a number from 200 to 599")
    options = {"responseCode": {"values": {"responseCode": status}}}
    assert site.answer(webhook(responseMode="onReceived", options=options), ONE).status == 200


@pytest.mark.parametrize("status", [200, 204, 304, 418, 599])
def test_a_status_that_an_answer_can_have(site: Site, status: int) -> None:
    options = {"responseCode": status}
    node = respond(respondWith="text", responseBody="hello", options=options)
    said = site.answer(webhook(responseMode="responseNode"), node)
    assert said.status == status
    assert said.content == (b"" if status in (204, 304) else b"hello")


def test_what_leads_nowhere_and_what_is_too_much(site: Site) -> None:
    nowhere = respond(respondWith="redirect", redirectURL="http://[")
    assert "invalid address" in site.answer(webhook(responseMode="responseNode"), nowhere).message
    said = site.answer(*by_node(X_A="v" * 40_000))
    assert "longer than" in said.message
    said = site.answer(*by_node(**{f"X_{number}": "v" for number in range(101)}))
    assert "more than 100" in said.message


def test_an_origin_that_is_allowed_ends_no_line(site: Site) -> None:
    hook = site.add(webhook(options={"allowedOrigins": "={{ 'http://a\\r\\nX-B: c\\u0000' }}"}), ONE)
    said = site.call("GET", hook.path, Origin="http://other")
    assert said.status == 200
    assert "x-b" not in said.headers


def test_a_page_of_a_file_is_no_page_of_the_origin(site: Site) -> None:
    page = base64.b64encode(b"<script>1</script>").decode()
    made = code(f"return [{{json: {{}}, binary: {{data: {{data: '{page}', mimeType: 'text/html'}}}}}}]")
    said = site.answer(webhook(responseData="firstEntryBinary"), made)
    assert said.kind.startswith("text/html")
    assert said.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("data", ["aGV5!", "aGV5YQ", "aGV5\u00e4", 5, {}])
def test_a_file_that_is_not_in_base64_is_read_as_far_as_it_goes(data: Any) -> None:
    with Flask("webhooks").app_context():
        assert render_answer({"base64": data}).status_code == 200
