"""Forms of several pages: each execution shows its own, to who has its address, and goes on once for each."""

from types import SimpleNamespace

import orjson
import pytest
from flask import Flask

from app.api.forms.pages import form_page
from app.api.forms.waiting_forms import awaited_form, last_page
from app.triggers import InvalidTrigger
from tests.api.forms.filling import PAGE, form_trigger, page, publish, send, shown
from tests.api.webhooks.conftest import Said, Site
from tests.patience import wait_until
from tests.workflows import Json, code, node, set_field

FIRST = {"fieldLabel": "Name"}


def address(site: Site, path: str, *fields) -> str:
    """Where the pages are of the execution that a form has started."""
    said = send(site, path, *fields)
    assert said.status == 200, said.content
    return said.json["formWaitingUrl"].removeprefix(site.server.url)


def look(site: Site, url: str, text: str) -> Said:
    """The page of an execution, once it shows this text."""

    def seen() -> Said | None:
        said = site.call("GET", url, base="", Accept=PAGE)
        return said if text in shown(said) else None

    return wait_until(seen, lambda: shown(site.call("GET", url, base="", Accept=PAGE)))


def ended(site: Site, workflow_id: str) -> Json:
    """The only execution of a workflow, once it has succeeded."""
    path = f"/api/v1/executions?workflowId={workflow_id}&includeData=true"

    def found() -> Json | None:
        [execution] = site.server.get(path).body["data"]
        return execution if execution["status"] == "success" else None

    return wait_until(found)


def test_one_page_follows_another_and_the_last_one_says_the_end(site) -> None:
    second = page(
        {"fieldLabel": "=Second of {{ $json.greeting }}", "requiredField": True},
        {"fieldLabel": "F", "fieldType": "file", "multipleFiles": False},
        options={"formTitle": "=Hello {{ $json.greeting }}"},
    )
    end = page(
        name="End", operation="completion", completionTitle="Done", completionMessage="={{ Object.keys($json)[0] }}"
    )
    middle = set_field("greeting", "={{ $json.Name }}!")
    workflow_id, path = publish(site, form_trigger(FIRST), middle, second, end)
    redirected = send(site, path, ("field-0", "Ann"), Accept=PAGE)
    assert redirected.status == 303
    url = redirected.headers["location"].removeprefix(site.server.url)
    assert url.startswith("/form-waiting/")
    seen = look(site, url, "Hello Ann!").content.decode()
    assert "Second of Ann!" in seen
    assert 'enctype="multipart/form-data"' in seen

    refused = send(site, url, ("field-0", ""), base="", Accept=PAGE)
    assert (refused.status, "This field is required" in shown(refused)) == (400, True)
    file = ("f.txt", "text/plain", b"one")
    sent = send(site, url, ("field-0", "two"), ("field-1", file), base="", Accept=PAGE)
    assert (sent.status, sent.headers["location"]) == (303, site.server.url + url)
    assert "Second of Ann!" in shown(look(site, url, "Done"))
    again = send(site, url, ("field-0", "three"), base="", Accept=PAGE)
    assert again.status == 303, "a second time it starts nothing"

    execution = ended(site, workflow_id)
    [run] = execution["data"]["resultData"]["runData"]["Page"]
    item = run["data"]["main"][0][0]
    assert item["json"].pop("submittedAt")
    told = {"filename": "f.txt", "mimetype": "text/plain", "size": 3}
    assert item["json"] == {"Second of Ann!": "two", "F": told, "formMode": "production"}
    assert item["binary"]["F"]["data"] == "b25l"


def test_only_its_signature_opens_the_page_of_an_execution(site) -> None:
    _, path = publish(site, form_trigger(FIRST), page({"fieldLabel": "B"}))
    url = address(site, path)
    look(site, url, "B")
    assert site.call("GET", url[:-3] + "000", base="").status == 401
    assert send(site, url.split("?")[0], base="").status == 401
    assert site.call("GET", url.replace("form-waiting", "webhook-waiting"), base="").status == 404
    assert site.call("GET", "/form-waiting/none", base="").status == 404


def test_how_a_workflow_can_end(site) -> None:
    def end(**parameters) -> dict:
        return page(name="End", operation="completion", **parameters)

    file = code(
        "return [{json: {}, binary: {data: {data: 'aGV5', mimeType: 'text/html', fileName: 'a\\r\\n.html'}}}]", "File"
    )
    _, path = publish(site, form_trigger(FIRST), file, end(respondWith="returnBinary", completionTitle="Your file"))
    url = address(site, path)
    look(site, url, "Download the file")
    got = site.call("GET", f"{url}&download=1", base="")
    assert (got.content, got.kind) == (b"hey", "application/octet-stream")
    assert got.headers["content-disposition"] == 'attachment; filename="a__.html"'

    _, path = publish(site, form_trigger(FIRST), end(respondWith="redirect", redirectUrl="https://x.example/"))
    url = address(site, path)
    wait_until(lambda: site.call("GET", url, base="").status == 303)
    assert site.call("GET", url, base="").headers["location"] == "https://x.example/"

    html = "<h1>Own</h1><script>evil()</script>"
    _, path = publish(site, form_trigger(FIRST), end(respondWith="showText", responseText=html))
    assert "evil" not in look(site, address(site, path), "Own").content.decode()

    _, path = publish(site, form_trigger(FIRST), page({"fieldLabel": "B"}))
    url = address(site, path)
    look(site, url, "B")
    assert send(site, url, ("field-0", "x"), base="").json["formWaitingUrl"].endswith(url)
    look(site, url, "Form Submitted")


def test_a_wait_node_can_wait_for_a_form(site) -> None:
    fields = {"values": [{"fieldLabel": "OK?", "fieldType": "text"}]}
    wait = node("Wait", "wait", {"resume": "form", "formTitle": "=For {{ $json.Name }}", "formFields": fields}, 1.1)
    workflow_id, path = publish(site, form_trigger(FIRST), wait)
    url = address(site, path, ("field-0", "Ann"))
    look(site, url, "For Ann")
    send(site, url, ("field-0", "yes"), base="")
    look(site, url, "Form Submitted")
    execution = ended(site, workflow_id)
    assert execution["data"]["resultData"]["runData"]["Wait"][0]["data"]["main"][0][0]["json"]["OK?"] == "yes"


def test_an_address_that_nobody_signed_puts_nothing_into_a_page() -> None:
    with Flask("forms").test_request_context("/form-waiting/1?signature=%22%3E%3Cb%3E"):
        said = last_page({"file": {"data": ""}}).get_data(as_text=True)
    assert '"?signature=%22%3E%3Cb%3E&amp;download=1"' in said
    with Flask("forms").test_request_context("/form-waiting/1"):
        assert "?signature=&amp;download=1" in last_page({"file": {"data": ""}}).get_data(as_text=True)


@pytest.mark.parametrize("odd", [{"formFields": 5}, {"options": "x"}, {"formFields": {"values": [5]}}])
def test_a_page_that_expressions_have_spoilt_is_refused_in_words(monkeypatch, odd) -> None:
    waiting = SimpleNamespace(node=orjson.dumps({**page(), "parameters": odd}), project_id="default")
    monkeypatch.setattr("app.api.forms.waiting_forms.lifecycle.waiting_node", lambda *_: waiting)
    with pytest.raises(InvalidTrigger, match=r"form|Page"), Flask("forms").app_context():
        form_page(awaited_form(None, 1), {})
