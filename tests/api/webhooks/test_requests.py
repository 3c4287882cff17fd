"""What a workflow sees of a call: bodies of every kind, parameters, files; as n8n shows it."""

import base64
import uuid
from typing import Any

import pytest

from tests.api.webhooks.conftest import ECHO, Site, webhook
from tests.workflows import code, node

BOUNDARY = "limit"
MULTIPART = {"Content_Type": f"multipart/form-data; boundary={BOUNDARY}"}


def seen(site: Site, method: str = "POST", body: Any = None, version: float = 2, **more: Any) -> dict[str, Any]:
    """The webhook's item, with its binary data."""
    headers = more.pop("headers", {})
    hook = webhook(version, httpMethod=method, **more)
    answer = site.answer(hook, ECHO, method=method, body=body, **headers)
    assert answer.status == 200, answer.content
    return answer.json


def part(name: str, content: str, file: str | None = None, kind: str = "text/plain") -> bytes:
    named = f'; filename="{file}"\r\nContent-Type: {kind}' if file else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n{content}\r\n'.encode()


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def test_a_call_is_one_item(site: Site) -> None:
    hook = site.add(webhook(), ECHO)
    item = site.call("GET", f"{hook.path}?a=1&b=2&b=3&c[d]=4&e=&f[]=5", X_Custom="V").json["json"]
    assert list(item) == ["headers", "params", "query", "body", "webhookUrl", "executionMode"]
    assert item["headers"]["x-custom"] == "V"
    assert item["params"] == {}
    assert item["query"] == {"a": "1", "b": ["2", "3"], "c": {"d": "4"}, "e": "", "f": ["5"]}
    assert item["body"] == {}
    assert item["webhookUrl"] == f"{site.server.url}/webhook/{hook.path}"
    assert item["executionMode"] == "production"
    execution = site.latest(hook)
    assert execution["mode"] == "webhook"
    [run] = execution["data"]["resultData"]["runData"]["Webhook"]
    assert run["data"]["main"][0][0]["pairedItem"] == {"item": 0}


@pytest.mark.parametrize("body", [{"a": [1, "x"], "ü": None}, [1, 2], 5, "text", None, {"big": 2**53}])
def test_json(site: Site, body: Any) -> None:
    assert seen(site, body=body)["json"]["body"] == ({} if body is None else body)


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/x-www-form-urlencoded", b"a=1&b=2&b=3&c[d]=4", {"a": "1", "b": ["2", "3"], "c[d]": "4"}),
        ("text/plain", b"hi there", "hi there"),
        ("text/plain; charset=latin1", b"\xe9", "é"),
        ("application/json", b"", {}),
        ("application/x-www-form-urlencoded", b"\xef\xbb\xbfa=1", {"a": "1"}),
        (
            "application/xml",
            b"<a><B c='1'>x</B><B>y</B><d/></a>",
            {"a": {"b": [{"_": "x", "$": {"c": "1"}}, "y"], "d": ""}},
        ),
        ("application/atom+xml", b"<a/>", {"a": ""}),
    ],
)
def test_other_bodies_that_are_understood(site: Site, kind: str, body: bytes, expected: Any) -> None:
    item = seen(site, body=body, headers={"Content_Type": kind})
    assert item["json"]["body"] == expected
    assert "binary" not in item


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{bad"),
        ("text/xml", b"<a"),
        (MULTIPART["Content_Type"], multipart(part("f", "x", "NAME")).replace(b"NAME", b"\xff")),
    ],
)
def test_a_body_that_is_not_what_it_says(site: Site, kind: str, body: bytes) -> None:
    hook = site.add(webhook(httpMethod="POST"), ECHO)
    answer = site.call("POST", hook.path, body, Content_Type=kind)
    assert answer.status == 422
    assert answer.message.startswith("Failed to parse request body")
    assert "Error(" not in answer.json["hint"], "what Python calls it says nothing to a caller"
    assert site.query("SELECT count(*) FROM executions WHERE workflow_id = %s", hook.workflow_id) == [(0,)]


@pytest.mark.parametrize(
    ("kind", "extension"),
    [("image/png", "png"), ("text/csv", "csv"), ("text/html", "html"), ("application/octet-stream", "bin")],
)
def test_any_other_body_is_a_file(site: Site, kind: str, extension: str) -> None:
    content = b"\x00\xff\x89PNG"
    item = seen(site, body=content, headers={"Content_Type": kind})
    assert item["json"]["body"] == {}
    file = item["binary"]["data"]
    assert base64.b64decode(file["data"]) == content
    assert (file["mimeType"], file["fileExtension"], file["fileSize"]) == (kind, extension, "6 B")
    named = seen(site, body=content, headers={"Content_Type": kind}, options={"binaryPropertyName": "pic"})
    assert list(named["binary"]) == ["pic"]


def test_the_first_version_takes_no_files_and_leaves_empty_bodies_out(site: Site) -> None:
    assert "body" not in seen(site, "GET", version=1)["json"]
    assert seen(site, body=b"\x00", version=1, headers={"Content_Type": "image/png"}).keys() == {"json"}
    options = {"binaryData": True, "binaryPropertyName": "f"}
    item = seen(site, body=b"\x00\xff", version=1, options=options, headers={"Content_Type": "image/png"})
    assert item["binary"]["f"]["data"] == "AP8="
    item = seen(site, body=b"{", version=1, options=options, headers={"Content_Type": "application/json"})
    assert (item["json"]["body"], item["binary"]["f"]["data"]) == ({}, "ew==")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a b.csv"', "a b.csv"),
        ("attachment; filename*=UTF-8''%C3%A4.csv", "ä.csv"),
        ('attachment; filename="../../x.csv"', "x.csv"),
        ("inline", None),
        ("", None),
    ],
)
def test_the_name_of_a_body_that_is_a_file(site: Site, disposition: str, name: str | None) -> None:
    sent = {"Content_Type": "text/csv", **({"Content_Disposition": disposition} if disposition else {})}
    file = seen(site, body=b"a,b", headers=sent)["binary"]["data"]
    assert (file["fileName"] == name) if name else uuid.UUID(file["fileName"])


@pytest.mark.parametrize("body", [b"", b"null"])
def test_a_raw_body_of_nothing(site: Site, body: bytes) -> None:
    item = seen(site, body=body, options={"rawBody": True}, headers={"Content_Type": "application/json"})
    assert item["json"].get("body", "none") == (None if body else "none")
    assert item["binary"]["data"]["mimeType"] == "application/json"


def raw_part(head: str, content: str) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n".encode()


def test_a_part_with_a_type_is_a_file_and_one_without_is_a_field(site: Site) -> None:
    body = multipart(
        raw_part('name="field"; filename="x.txt"', "abc"),
        raw_part('name="typed"\r\nContent-Type: application/json', "{}"),
        raw_part('name="none"; filename=""\r\nContent-Type: application/octet-stream', ""),
        raw_part('name="empty"; filename="e.txt"\r\nContent-Type: text/plain; charset=utf-8', ""),
    )
    item = seen(site, body=body, headers=MULTIPART, options={"rawBody": True})
    assert item["json"]["body"] == {"field": "abc"}
    assert list(item["binary"]) == ["typed", "empty"]
    assert uuid.UUID(item["binary"]["typed"]["fileName"])
    assert item["binary"]["empty"]["mimeType"] == "text/plain; charset=utf-8"


def test_the_raw_body_beside_the_parsed_one(site: Site) -> None:
    item = seen(site, body=b'{"a": 1}', options={"rawBody": True}, headers={"Content_Type": "application/json"})
    assert item["json"]["body"] == {"a": 1}
    assert item["binary"] == {"data": {"data": "eyJhIjogMX0=", "mimeType": "application/json"}}
    item = seen(site, body=b"\x00\xff", options={"rawBody": True}, headers={"Content_Type": "image/png"})
    assert "body" not in item["json"]
    assert item["binary"] == {"data": {"data": "AP8=", "mimeType": "image/png"}}


def test_multipart_fields_and_files(site: Site) -> None:
    body = multipart(part("t", "v1"), part("t", "v2"), part("u", "w"), part("up", "file!", "a.txt"))
    item = seen(site, body=body, headers=MULTIPART)
    assert item["json"]["body"] == {"t": ["v1", "v2"], "u": "w"}
    [(name, file)] = item["binary"].items()
    assert name == "up"
    assert base64.b64decode(file.pop("data")) == b"file!"
    assert file == {
        "mimeType": "text/plain",
        "fileType": "text",
        "fileExtension": "txt",
        "fileName": "a.txt",
        "fileSize": "5 B",
        "bytes": 5,
    }


def test_names_of_several_files(site: Site) -> None:
    body = multipart(*(part(field, name, name, "image/png") for field, name in (("up", "a"), ("up", "b"), ("q", "c"))))
    assert list(seen(site, body=body, headers=MULTIPART)["binary"]) == ["up0", "up1", "q"]
    numbered = seen(site, body=body, headers=MULTIPART, options={"binaryPropertyName": "z"})
    assert list(numbered["binary"]) == ["z0", "z1", "z2"]


@pytest.mark.parametrize(
    ("path", "called", "expected"),
    [
        ("o/:id", "o/5", {"id": "5"}),
        (":id", ":x", {"id": ":x"}),
        ("o/:id/x/:k", "o/a%20b/x/c", {"id": "a b", "k": "c"}),
    ],
)
def test_parameters_in_the_path(site: Site, path: str, called: str, expected: dict[str, str]) -> None:
    hook = site.add(webhook(path=path), ECHO)
    prefix = hook.path.split("/")[0]
    item = site.call("GET", f"{prefix}/{called}").json["json"]
    assert item["params"] == expected
    assert item["webhookUrl"].endswith(f"/webhook/{hook.path}")
    assert site.call("GET", f"{prefix}/{called}/more").status == 404


def test_each_method_of_several_has_its_output(site: Site) -> None:
    hook = webhook(multipleMethods=True, httpMethod=["GET", "POST"])
    nodes = [hook, code("return [{json: {from: 'A'}}]", "A"), code("return [{json: {from: 'B'}}]", "B")]
    workflow_id = site.save(nodes, ("Webhook", 0, "A", 0), ("Webhook", 1, "B", 0))
    assert site.activate(workflow_id).status == 200
    path = hook["parameters"]["path"]
    assert site.call("GET", path).json == {"from": "A"}
    assert site.call("POST", path, {}).json == {"from": "B"}
    refused = site.call("PUT", path, {})
    assert refused.status == 404
    assert refused.message.endswith("Did you mean to make a GET or POST request?")


def test_a_body_above_the_limit_is_refused(site: Site) -> None:
    hook = site.add(webhook(httpMethod="POST"), ECHO)
    assert site.call("POST", hook.path, b"x", Content_Length=str(16 * 2**20 + 1)).status == 413


def test_a_large_form_field_is_not_too_large(site: Site) -> None:
    item = seen(site, body=multipart(part("t", "v" * 2_000_000)), headers=MULTIPART)
    assert len(item["json"]["body"]["t"]) == 2_000_000


def test_a_webhook_waits_for_no_lock_of_a_disabled_node(site: Site) -> None:
    """A webhook that is switched off is not registered."""
    off = webhook()
    off["disabled"] = True
    workflow_id = site.save([node("Start", "manualTrigger"), off], ("Start", 0, "Webhook", 0))
    site.activate(workflow_id)
    assert site.call("GET", off["parameters"]["path"]).status == 404
