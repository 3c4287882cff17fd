"""What proves a webhook's caller: the run sees it, and nothing that is stored shows it."""

import base64
import time
import uuid
from typing import Any

import jwt
import pytest

from app.credentials.masking import HIDDEN
from tests.api.webhooks.conftest import Hook, Site, code, credential, node, webhook
from tests.patience import wait_until
from tests.test_secrets import everything_stored

SECRET = "canary-of-a-caller"


def protected(site: Site, kind: str, **parameters: Any) -> tuple[dict[str, Any], dict[str, str], str]:
    """A webhook, what its callers have to send, and the header that it stands in."""
    secret = f"{SECRET}-{uuid.uuid4().hex}"
    if kind == "headerAuth":
        named = credential(site, "httpHeaderAuth", name="X-Key", value=secret)
        headers = {"X_Key": secret}
    elif kind == "basicAuth":
        named = credential(site, "httpBasicAuth", user="ann", password=secret)
        headers = {"Authorization": "Basic " + base64.b64encode(f"ann:{secret}".encode()).decode()}
    else:
        named = credential(site, "jwtAuth", keyType="passphrase", secret=secret, algorithm="HS256")
        headers = {"Authorization": "Bearer " + jwt.encode({"who": "ann"}, secret, "HS256")}
    hook = {**webhook(authentication=kind, **parameters), "credentials": named}
    return hook, headers, next(iter(headers)).lower().replace("_", "-")


def stored(site: Site) -> str:
    return everything_stored(site.database_url)


def ended(site: Site, hook: Hook, number: int = 1) -> list[dict[str, Any]]:
    """The newest executions of a workflow with their data, once they have ended."""
    path = f"/api/v1/executions?workflowId={hook.workflow_id}&limit={number}&includeData=true"
    deadline = time.monotonic() + 20
    while True:
        found = site.server.get(path).body["data"]
        if len(found) == number and all(each["status"] in ("success", "error", "canceled") for each in found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


COPY = code(
    "const h = $json.headers; const all = Object.values(h).join('|');"
    "return [{json: {length: all.length, copy: `sent: ${all}`, list: [h], text: JSON.stringify(h),"
    " shown: all.includes('**hidden**')}}]",
    "Copy",
)
LENGTH = code("return [{json: {length: $json.length, shown: $json.shown}}]", "Length")


@pytest.mark.parametrize("kind", ["headerAuth", "basicAuth", "jwtAuth"])
def test_the_run_sees_it_and_what_is_recorded_does_not_show_it(site: Site, kind: str) -> None:
    webhook_node, headers, name = protected(site, kind)
    hook = site.add(webhook_node, COPY, LENGTH)
    [value] = headers.values()
    answer = site.call("GET", hook.path, **headers)
    assert answer.status == 200
    assert answer.json["shown"] is False
    assert answer.json["length"] > len(value)
    [execution] = ended(site, hook)
    run_data = execution["data"]["resultData"]["runData"]
    item = run_data["Webhook"][0]["data"]["main"][0][0]["json"]
    assert item["headers"][name] == HIDDEN
    assert item["headers"]["host"] != HIDDEN
    assert item.get("jwtPayload", {"who": "ann"})["who"] == "ann"
    copied = run_data["Copy"][0]["data"]["main"][0][0]["json"]
    assert HIDDEN in copied["copy"]
    assert copied["list"][0][name] == HIDDEN
    assert HIDDEN in copied["text"]
    found = stored(site)
    assert value not in found
    assert value.partition(" ")[2] not in found or not value.partition(" ")[2]
    [(left,)] = site.query(
        "SELECT count(*) FROM execution_inputs WHERE execution_id = %s AND sealed IS NOT NULL", int(execution["id"])
    )
    assert left == 0


def test_an_unpacked_password_is_hidden_as_well(site: Site) -> None:
    webhook_node, headers, _ = protected(site, "basicAuth")
    unpack = code("return [{json: {pair: atob($json.headers.authorization.split(' ')[1])}}]")
    hook = site.add(webhook_node, unpack, code("return [{json: {length: $json.pair.length}}]", "Length"))
    assert site.call("GET", hook.path, **headers).json["length"] > 40
    ended(site, hook)
    assert SECRET not in stored(site)


def test_an_error_and_its_error_workflow_do_not_show_it(site: Site) -> None:
    alarm = site.save([node("On error", "errorTrigger"), code("return $input.all()")], name="Alarm")
    webhook_node, headers, _ = protected(site, "headerAuth")
    told = "'sent: ' + $json.headers['x-key'] + '.'.repeat(9_920) + $json.headers['x-key']"  # where it is cut for lists
    throw = code(f"throw new Error({told})", "Throw")
    note = (
        "const { customData } = $execution, key = $json.headers['x-key'];"
        "customData.set('key', key); customData.set(key, 1); customData.set('long', '.'.repeat(500) + key);"
        "console.log('.'.repeat(9_990) + key);"
        "return $input.all()"
    )
    hook = site.add(
        webhook_node,
        code(note),
        throw,
        errorWorkflow=alarm,
    )
    assert site.call("GET", hook.path, **headers).status == 500
    [execution] = ended(site, hook)
    assert f"sent: {HIDDEN}" in execution["data"]["resultData"]["error"]["message"]
    [told] = ended(site, Hook(alarm, ""))
    assert told["status"] == "success"
    assert f"sent: {HIDDEN}" in str(told["data"])
    [noted] = execution["data"]["resultData"]["runData"]["Code"]
    assert noted["metadata"]["console"] == ["." * 9_990 + HIDDEN]
    assert execution["customData"] == {"key": HIDDEN, HIDDEN: "1", "long": "." * 500 + HIDDEN}
    assert SECRET[:8] not in stored(site)


def test_tries_that_failed_do_not_show_it_nor_a_part_of_it(site: Site) -> None:
    """Their texts are cut, where a run is recorded and while it is under way."""
    webhook_node, headers, _ = protected(site, "headerAuth", responseMode="onReceived")
    throw = "throw new Error('.'.repeat(485) + $('Webhook').first().json.headers['x-key'])"
    often = {"retryOnFail": True, "maxTries": 2}
    flaky = {**code(throw, "Flaky"), **often, "waitBetweenTries": 1, "onError": "continueRegularOutput"}
    slow = {**code(throw, "Slow"), **often, "waitBetweenTries": 5_000}
    hook = site.add(webhook_node, flaky, slow)
    assert site.call("GET", hook.path, **headers).status == 200
    place = f"/api/v1/executions/{site.latest(hook)['id']}"
    shown = "." * 485 + HIDDEN
    [told] = wait_until(lambda: site.server.get(f"{place}/progress").body["tries"])
    assert told["error"].startswith(shown)
    assert SECRET[:8] not in stored(site)
    site.server.post(f"{place}/stop")
    data = wait_until(lambda: site.latest(hook)["data"])  # which is written after the stop was answered
    [ran] = data["resultData"]["runData"]["Flaky"]
    assert [one["error"].startswith(shown) for one in ran["metadata"]["tries"]] == [True, True]
    assert SECRET[:8] not in stored(site)


@pytest.mark.parametrize("waits", [True, False])
def test_a_sub_workflow_does_not_record_it(site: Site, waits: bool) -> None:
    start = node("Start", "executeWorkflowTrigger", {"inputSource": "passthrough"}, 1.1)
    child = site.save([start, COPY], name="Child")
    call = node(
        "Call",
        "executeWorkflow",
        {"workflowId": {"__rl": True, "mode": "id", "value": child}, "options": {"waitForSubWorkflow": waits}},
        1.2,
    )
    webhook_node, headers, _ = protected(site, "headerAuth")
    hook = site.add(webhook_node, call, code("return [{json: {shown: $json.shown ?? null}}]", "Shown"))
    answer = site.call("GET", hook.path, **headers)
    assert answer.json == {"shown": False if waits else None}
    [ran] = ended(site, Hook(child, ""))
    copied = ran["data"]["resultData"]["runData"]["Copy"][0]["data"]["main"][0][0]["json"]
    assert copied["shown"] is not waits, "one that nobody waits for gets what is stored"
    assert HIDDEN in copied["copy"]
    assert SECRET not in stored(site)


def test_after_a_wait_and_in_a_retry_it_is_hidden_from_the_run_too(site: Site) -> None:
    webhook_node, headers, _ = protected(site, "headerAuth", responseMode="onReceived")
    wait = node("Wait", "wait", {"resume": "timeInterval", "amount": 66, "unit": "seconds"}, 1.1)
    seen = code("throw new Error($('Webhook').first().json.headers['x-key'])", "Seen")
    hook = site.add(webhook_node, wait, seen)
    assert site.call("GET", hook.path, **headers).status == 200
    deadline = time.monotonic() + 20
    while site.latest(hook)["status"] != "waiting":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert SECRET not in stored(site)
    number = int(site.latest(hook)["id"])
    site.query("UPDATE executions SET wait_till = now() WHERE id = %s RETURNING id", number)
    [execution] = ended(site, hook)
    assert execution["data"]["resultData"]["error"]["message"].startswith(HIDDEN)
    assert site.server.post(f"/api/v1/executions/{number}/retry", {}).status == 200
    for each in ended(site, hook, 2):
        assert each["data"]["resultData"]["error"]["message"].startswith(HIDDEN)


def test_a_call_that_ends_a_wait_proves_itself_likewise(site: Site) -> None:
    secret = f"{SECRET}-{uuid.uuid4().hex}"
    wait = node(
        "Wait",
        "wait",
        {"resume": "webhook", "incomingAuthentication": "headerAuth", "responseMode": "lastNode"},
        1.1,
        credentials=credential(site, "httpHeaderAuth", name="X-Key", value=secret),
    )
    tell = code("return [{json: {url: $execution.resumeUrl}}]", "Tell")
    respond = node("Respond", "respondToWebhook", {"respondWith": "json", "responseBody": "={{ $json }}"}, 1.1)
    hook = site.add(webhook(responseMode="responseNode"), tell, respond, wait, COPY, LENGTH)
    url = site.call("GET", hook.path).json["url"]
    path = url.partition("/webhook-waiting/")[2]
    deadline = time.monotonic() + 20
    while site.latest(hook)["status"] != "waiting":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    answer = site.call("GET", path, base="/webhook-waiting/", X_Key=secret)
    assert (answer.status, answer.json["shown"]) == (200, False)
    ended(site, hook)
    assert secret not in stored(site)


@pytest.mark.parametrize("held", [{}, {"user": "", "password": ""}, {"user": "ann"}, {"password": "p"}])
def test_a_basic_credential_that_lacks_a_part_lets_nobody_in(site: Site, held: dict[str, str]) -> None:
    hook = site.add({**webhook(authentication="basicAuth"), "credentials": credential(site, "httpBasicAuth", **held)})
    for pair in (":", "ann:", ":p", "ann:p"):
        sent = "Basic " + base64.b64encode(pair.encode()).decode()
        assert site.call("GET", hook.path, Authorization=sent).status == 500


@pytest.mark.parametrize("held", [{}, {"name": "X-Key", "value": ""}, {"value": "v"}])
def test_a_header_credential_that_lacks_a_part_lets_nobody_in(site: Site, held: dict[str, str]) -> None:
    hook = site.add({**webhook(authentication="headerAuth"), "credentials": credential(site, "httpHeaderAuth", **held)})
    assert site.call("GET", hook.path, X_Key="").status == 500
    assert site.call("GET", hook.path).status == 500
