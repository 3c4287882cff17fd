"""Questions by mail: the execution waits, and goes on with what the link that somebody follows says."""

import re
from html import unescape
from urllib.parse import urlsplit

from tests.api.forms.filling import PAGE, send, shown
from tests.api.forms.test_waiting_forms import ended
from tests.api.webhooks.conftest import Site, webhook
from tests.engine.nodes.postbox import MAIL, Postbox, PostboxController
from tests.patience import wait_until
from tests.workflows import Json, node

BROWSER = {"User_Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "Accept": PAGE}
WORDS = "=May I, {{ $json.body.who }}? {{ $execution.resumeUrl }}"
ASKS = {
    **MAIL,
    "operation": "sendAndWait",
    "toEmail": "you@b.example",
    "message": WORDS,
}
FORM = {"responseType": "customForm", "formFields": {"values": [{"fieldLabel": "Why", "requiredField": True}]}}
BOTH = {"values": {"approvalType": "double", "approveLabel": "Yes & no"}}


def links(box: Postbox, number: int) -> tuple[str, list[str]]:
    """The text of a mail, and the paths of its links."""
    *_, message = wait_until(lambda: box.received[number] if len(box.received) > number else None)
    html = message.get_body(["html"]).get_content()
    places = [urlsplit(unescape(each)) for each in re.findall(r'href="([^"]+)"', html)]
    return html, [f"{each.path}?{each.query}" for each in places]


def signed_by_n8n(site: Site, workflow_id: str, *signatures: str) -> None:
    """Let the workflow's execution be one that came in, with these signatures in links that say no and yes."""
    add = """INSERT INTO imported_waits (execution_id, token, question_signatures)
             SELECT id, 'token', %s FROM executions WHERE workflow_id = %s RETURNING true"""
    assert site.query(add, list(signatures), workflow_id) == [(True,)]


def waits(site: Site, workflow_id: str) -> bool:
    return site.query("SELECT status FROM executions WHERE workflow_id = %s", workflow_id) == [("waiting",)]


def test_a_question_is_answered_once_by_its_own_link(site) -> None:
    box = Postbox()
    controller = PostboxController(box, "127.0.0.1", 0)
    controller.start()
    data = {
        "host": "127.0.0.1",
        "port": controller.port,
        "secure": False,
        "disableStartTls": True,
        "user": "",
        "password": "",
    }
    made = site.server.post("/api/v1/credentials", {"name": "Post", "type": "smtp", "data": data})
    assert made.status == 200, made.body
    credentials = {"smtp": {"id": made.body["id"], "name": "Post"}}
    first: Json = node("First", "emailSend", {**ASKS, "approvalOptions": BOTH}, 2.1, credentials=credentials)
    second: Json = node("Second", "emailSend", {**ASKS, **FORM, "message": "Why?"}, 2.1, credentials=credentials)
    try:
        hook = site.add(webhook(responseMode="onReceived", httpMethod="POST"), first, second)
        assert site.call("POST", hook.path, {"who": "Ann <b>"}).status == 200
        html, (declined, approved) = links(box, 0)
        assert "May I, Ann &lt;b&gt;?" in html
        assert "Yes &amp; no" in html
        wait_until(lambda: waits(site, hook.workflow_id))
        assert site.call("GET", approved.replace("signature=", "signature=x"), base="").status == 401
        assert site.call("GET", approved, base="", User_Agent="Slackbot 1.0").content == b""
        assert site.call("HEAD", approved, base="").status == 200
        assert site.call("GET", approved.replace("run=0", "run=1"), base="", **BROWSER).status == 401
        signature = re.findall(r"webhook-waiting/\d+\?signature=(\w+)", html)[0]
        other = f"{approved.partition('?')[0]}?run=0&approved=true&signature={signature}"
        assert site.call("GET", other, base="", **BROWSER).status == 401, "that is signed for other waits"
        assert waits(site, hook.workflow_id), "none of these answers"
        # By the address of other waits, as an execution has it that came from n8n, it is found as well.
        old = site.call("GET", declined.replace("form-waiting", "webhook-waiting"), base="", **BROWSER)
        assert (old.status, urlsplit(old.headers["location"]).query) == (307, urlsplit(declined).query)
        signed_by_n8n(site, hook.workflow_id, "no-and", "yes")
        place = declined.partition("?")[0].replace("form-waiting", "webhook-waiting")
        for answer, signature, expected in (("true", "no-and", 401), ("true", "yes", 307), ("maybe", "yes", 401)):
            link = f"{place}?approved={answer}&signature={signature}"
            assert site.call("GET", link, base="", **BROWSER).status == expected, link
        link = f"{place.replace('webhook', 'form')}?run=0&approved=false&signature=no-and"
        assert "Got it, thanks" in shown(site.call("GET", link, base="", **BROWSER))
        _, (form,) = links(box, 1)
        wait_until(lambda: waits(site, hook.workflow_id))
        assert "No action required" in shown(site.call("GET", approved, base="", **BROWSER))
        assert "Why" in shown(site.call("GET", form, base="", **BROWSER))
        assert send(site, form, ("field-0", ""), base="", **BROWSER).status == 400
        assert "Got it, thanks" in shown(send(site, form, ("field-0", "so"), base="", **BROWSER))
        runs = ended(site, hook.workflow_id)["data"]["resultData"]["runData"]
        assert "No action required" in shown(site.call("GET", form, base="", **BROWSER))
        number = urlsplit(form).path.split("/")[2]
        assert site.server.call("DELETE", f"/api/v1/executions/{number}").status == 200
        assert "No action required" in shown(site.call("GET", form, base="", **BROWSER)), "who reads old mail"
    finally:
        controller.stop()
    said = [runs[name][0]["data"]["main"][0][0]["json"]["data"] for name in ("First", "Second")]
    assert [each.pop("respondedAt")[-1] for each in said] == ["Z", "Z"]
    assert said == [{"approved": False}, {"Why": "so"}]
