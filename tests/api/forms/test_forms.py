"""Forms that start workflows: pages without scripts, checks on the server, items as n8n's, every way to answer."""

import uuid

import pytest

from tests.api.forms.filling import PAGE, form_trigger, publish, send, shown
from tests.patience import wait_until
from tests.workflows import no_op, node, set_field, stop_and_error

CHOICES = {"values": [{"option": "a"}, {"option": "b <c>"}]}
EVERY_FIELD = [
    {"fieldLabel": "Name", "requiredField": True, "placeholder": "your name"},
    {"fieldLabel": "Age", "fieldType": "number"},
    {"fieldLabel": "When", "fieldType": "date"},
    {"fieldLabel": "Long", "fieldType": "textarea"},
    {"fieldLabel": "Mail", "fieldType": "email"},
    {"fieldLabel": "Pw", "fieldType": "password"},
    {"fieldLabel": "Pick", "fieldType": "dropdown", "fieldOptions": CHOICES},
    {"fieldLabel": "Many", "fieldType": "dropdown", "multiselect": True, "fieldOptions": CHOICES},
    {"fieldLabel": "Check", "fieldType": "checkbox", "fieldOptions": CHOICES},
    {"fieldLabel": "Radio", "fieldType": "radio", "fieldOptions": CHOICES},
    {"fieldLabel": "The files", "fieldType": "file", "multipleFiles": True},
    {"fieldLabel": "One", "fieldType": "file", "multipleFiles": False, "acceptFileTypes": ".txt"},
    {"fieldType": "hiddenField", "fieldName": "hid", "fieldValue": "hv"},
    {"fieldType": "html", "html": "<b>Hi</b><script>evil()</script>"},
]
TEXT = ("f.txt", "text/plain", b"one")
FULL = [
    ("field-0", "Bob"), ("field-1", "42.5"), ("field-2", "2026-01-02"), ("field-3", "l1\nl2"), ("field-4", "a@b.c"),
    ("field-5", "pw"), ("field-6", "a"), ("field-7", "a"), ("field-7", "b <c>"), ("field-8", '["a"]'),
    ("field-9", "b <c>"), ("field-10", TEXT), ("field-10", ("g.txt", "text/plain", b"two")), ("field-11", TEXT),
    ("field-12", "changed"),
]  # fmt: skip


def run_data(site, workflow_id: str, name: str = "Form") -> dict:
    path = f"/api/v1/executions?workflowId={workflow_id}&limit=1&includeData=true"
    newest = wait_until(lambda: [e for e in site.server.get(path).body["data"] if e["status"] == "success"])[0]
    assert newest["mode"] == "webhook"
    return newest["data"]["resultData"]["runData"][name][0]["data"]["main"][0][0]


def test_a_page_has_every_field_and_runs_nothing(site) -> None:
    css = "</style><script>evil()</script>"
    given = {"formDescription": "Fill in <script>evil()</script> this", "options": {"customCss": css}}
    _, path = publish(site, form_trigger(*EVERY_FIELD, **given), no_op())
    said = site.call("GET", f"{path}?Name=%22Q%22&Pick=a&Check=a&hid=qq", base="/form/")
    text = said.content.decode()
    assert (said.status, said.kind) == (200, "text/html; charset=utf-8")
    assert "<\\/style><script>evil()<\\/script>" in text, "what is CSS does not end"
    assert text.count("evil") == 1, "and no other script is left"
    assert "default-src 'none'" in said.headers["content-security-policy"]
    assert "http" not in text.split("</style>")[-1], "nothing comes from elsewhere"
    for expected in (
        'enctype="multipart/form-data"',
        'name="viewport"',
        '<input type="text" id="field-0" name="field-0" required placeholder="your name" value="&quot;Q&quot;">',
        '<input type="number" step="any"',
        '<input type="date" id="field-2"',
        '<textarea rows="5" id="field-3"',
        '<input type="email" id="field-4"',
        '<input type="password" id="field-5"',
        '<option value="a" selected>a</option><option value="b &lt;c&gt;">',
        'name="field-7" multiple>',
        '<input type="checkbox" name="field-8" value="a" checked>',
        '<input type="radio" name="field-9"',
        '<input type="file" id="field-10" name="field-10" multiple>',
        'accept=".txt"',
        '<input type="hidden" name="field-12" value="qq">',
        "<b>Hi</b>",
        '<button type="submit">Submit</button>',
    ):
        assert expected in text


@pytest.mark.parametrize("version", [1, 2.1, 2.5])
def test_what_is_sent_becomes_an_item_as_in_n8n(site, version: float) -> None:
    fields = [{**field, "fieldName": f"n {field['fieldLabel']}"} if version == 2.5 and "fieldLabel" in field else field
              for field in EVERY_FIELD]  # fmt: skip
    workflow_id, path = publish(site, form_trigger(*fields, version=version), no_op())
    base, path = ("/webhook/", f"{path}/n8n-form") if version == 1 else ("/form/", path)
    said = send(site, f"{path}?foo=bar", *FULL, base=base)
    assert (said.status, said.json) == (200, {"status": 200})
    item = run_data(site, workflow_id)
    prefix = "n " if version == 2.5 else ""
    file = {"filename": "f.txt", "mimetype": "text/plain", "size": 3}
    expected = {
        "Name": "Bob", "Age": 42.5, "When": "2026-01-02", "Long": "l1\nl2", "Mail": "a@b.c", "Pw": "pw", "Pick": "a",
        "Many": ["a", "b <c>"], "Check": ["a"], "Radio": "b <c>", "The files": [file, {**file, "filename": "g.txt"}],
        "One": file,
    }  # fmt: skip
    json = item["json"]
    assert json.pop("submittedAt").endswith("Z")
    assert json == {
        **{prefix + name: value for name, value in expected.items()},
        "hid": "changed",
        "formMode": "production",
        "formQueryParameters": {"foo": "bar"},
    }
    key = prefix.replace(" ", "_")
    assert set(item["binary"]) == {f"{key}The_files_0", f"{key}The_files_1", f"{key}One"}
    assert item["binary"][f"{key}One"] == {
        "mimeType": "text/plain", "fileType": "text", "fileExtension": "txt", "data": "b25l", "fileName": "f.txt",
        "fileSize": "3 B", "bytes": 3,
    }  # fmt: skip


def test_what_is_left_empty_is_null_and_the_time_is_the_workflows(site) -> None:
    fields = [{"fieldLabel": "Age", "fieldType": "number"}, {"fieldLabel": "Text"}, EVERY_FIELD[8], EVERY_FIELD[10]]
    workflow_id, path = publish(site, form_trigger(*fields), no_op(), timezone="Asia/Tokyo")
    empty = ("", "application/octet-stream", b"")
    assert send(site, path, ("field-0", ""), ("field-1", ""), ("field-3", empty)).status == 200
    json = run_data(site, workflow_id)["json"]
    assert json.pop("submittedAt").endswith("+09:00")
    assert json == {"Age": None, "Text": "", "Check": [], "The files": None, "formMode": "production"}


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ([], "Name: This field is required"),
        ([("field-0", "N"), ("field-1", "x")], "Age: This is not a number"),
        ([("field-0", "N"), ("field-1", "Infinity")], "Age: This is not a number"),
        ([("field-0", "N"), ("field-2", "soon")], "When: This is not a date"),
        ([("field-0", "N"), ("field-4", "nobody")], "Mail: This is not an email address"),
        ([("field-0", "N"), ("field-6", "z")], "Pick: This is not one of the options"),
        ([("field-0", "N"), ("field-11", ("a.exe", "text/plain", b"x"))], "One: Only these files can be sent: .txt"),
        ([("field-0", "N"), ("field-11", TEXT), ("field-11", TEXT)], "One: Only one file can be sent"),
    ],
)
def test_what_does_not_fit_is_refused_and_starts_nothing(site, sent, problem: str) -> None:
    workflow_id, path = publish(site, form_trigger(*EVERY_FIELD), no_op())
    said = send(site, path, *sent)
    assert (said.status, said.message) == (400, problem)
    seen = send(site, path, *sent, Accept=PAGE)
    assert seen.status == 400
    assert problem.split(": ", 1)[1] in shown(seen)
    assert not sent or 'value="N"' in seen.content.decode(), "what was sent stands there"
    assert site.query("SELECT count(*) FROM executions WHERE workflow_id = %s", workflow_id) == [(0,)]


def test_the_number_of_choices_is_bounded(site) -> None:
    bounds = {"limitSelection": "range", "minSelections": 2, "maxSelections": 2}
    options = {"values": [{"option": text} for text in "abc"]}
    _, path = publish(
        site, form_trigger({"fieldLabel": "C", "fieldType": "checkbox", "fieldOptions": options, **bounds}), no_op()
    )
    assert send(site, path, ("field-0", "a")).message == "C: Choose at least 2"
    assert send(site, path, *[("field-0", text) for text in "abc"]).message == "C: Choose at most 2"
    assert send(site, path, ("field-0", "a"), ("field-0", "b")).status == 200


def test_bodies_that_are_no_forms_and_addresses_that_are_none(site) -> None:
    _, path = publish(site, form_trigger({"fieldLabel": "A"}), no_op())
    assert site.call("POST", path, {"field-0": "x"}, base="/form/").status == 415
    broken = site.call("POST", path, b"--x\r\nnothing", base="/form/", Content_Type="multipart/form-data; boundary=x")
    assert broken.status == 422
    assert (
        site.call("POST", path, b"field-0=x", base="/form/", Content_Type="application/x-www-form-urlencoded").status
        == 200
    )
    assert site.call("DELETE", path, base="/form/").status == 405
    before = site.server.get("/api/v1/executions?limit=1").body
    assert site.call("HEAD", path, base="/form/").kind == "text/html; charset=utf-8"
    assert site.server.get("/api/v1/executions?limit=1").body["data"][0]["id"] == before["data"][0]["id"]
    assert site.call("POST", path).status == 404, "it is no webhook"
    assert "FORM" not in site.call("POST", path).content.decode()
    gone = site.call("GET", f"none-{uuid.uuid4()}", base="/form/", Accept=PAGE)
    assert (gone.status, "Problem loading form" in shown(gone)) == (404, True)
    assert site.call("GET", "none", base="/form/").message.startswith("There is no form")


def test_a_form_can_ask_for_a_password_and_ignore_bots(site) -> None:
    made = site.server.post(
        "/api/v1/credentials", {"name": "b", "type": "httpBasicAuth", "data": {"user": "ann", "password": "pw"}}
    )
    trigger = form_trigger({"fieldLabel": "A"}, authentication="basicAuth", options={"ignoreBots": True})
    trigger["credentials"] = {"httpBasicAuth": {"id": made.body["id"], "name": "b"}}
    _, path = publish(site, trigger, no_op())
    closed = site.call("GET", path, base="/form/")
    assert (closed.status, closed.headers["www-authenticate"].split()[0]) == (401, "Basic")
    assert site.call("GET", path, base="/form/", Authorization="Basic YW5uOnB3").status == 200
    assert send(site, path, ("field-0", "x")).status == 401
    assert site.call("GET", path, base="/form/", Authorization="Basic YW5uOnB3", User_Agent="Googlebot").status == 403


def test_what_is_said_once_it_is_sent(site) -> None:
    def options(**values: str) -> dict:
        return {"respondWithOptions": {"values": values}}

    _, path = publish(site, form_trigger(options=options(respondWith="text", formSubmittedText="Thanks <a>")), no_op())
    assert send(site, path).json == {"formSubmittedText": "Thanks <a>"}
    assert "Thanks" in shown(send(site, path, Accept=PAGE))
    _, path = publish(site, form_trigger(options=options(respondWith="redirect", redirectUrl="x.example/y")), no_op())
    assert send(site, path).json == {"redirectURL": "http://x.example/y"}
    moved = send(site, path, Accept=PAGE)
    assert (moved.status, moved.headers["location"]) == (303, "http://x.example/y")
    _, path = publish(site, form_trigger(options=options(respondWith="redirect", redirectUrl="http://[x")), no_op())
    assert "invalid address: 'http://[x'" in send(site, path, Accept=PAGE).message
    _, path = publish(site, form_trigger(), no_op())
    assert "Your response has been recorded" in shown(send(site, path, Accept=PAGE))


def test_a_form_can_wait_for_the_end_of_its_workflow(site) -> None:
    workflow_id, path = publish(site, form_trigger(responseMode="lastNode"), set_field("a", "1"))
    assert send(site, path).json == {"status": 200}
    assert run_data(site, workflow_id, "Edit")["json"]["a"] == "1", "it has ended by then"
    _, path = publish(site, form_trigger(responseMode="lastNode"), stop_and_error())
    assert send(site, path).status == 500
    assert "Problem submitting response" in shown(send(site, path, Accept=PAGE))
    respond = node("Respond", "respondToWebhook", {"respondWith": "json", "responseBody": '{"own": true}'}, 1.1)
    _, path = publish(site, form_trigger(responseMode="responseNode", version=2.1), respond)
    assert send(site, path).json == {"own": True}
