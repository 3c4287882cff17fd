"""Bodies that anybody may send to a webhook: each is taken or refused in a sentence, at a cost that its length sets."""

import gzip
import http.client
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import live
from tests.postgres import cloned_database
from tests.workflows import chain, no_op, node

MIB = 2**20
CHAIN = "".join(f'<!ENTITY e{number + 1} "&e{number};">' for number in range(50_000))
JSON, XML, TEXT = "application/json", "application/xml", "text/plain"
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=B"
PART = b'--B\r\nContent-Disposition: form-data; name="a"%s\r\n\r\n1\r\n'


class Target:
    """A webhook that answers at once, on an API with no worker behind it."""

    def __init__(self, server: live.LiveServer) -> None:
        self.server = server
        self.path = f"/webhook/{uuid.uuid4().hex}"
        parameters = {"path": self.path.rsplit("/", 1)[1], "httpMethod": "POST", "options": {}}
        hook = node("Webhook", "webhook", parameters, 2, webhookId=str(uuid.uuid4()))
        saved = server.post("/api/v1/workflows", chain(hook, no_op()))
        assert server.post(f"/api/v1/workflows/{saved.body['id']}/activate").status == 200

    def send(self, kind: str, body: bytes, query: str = "", **headers: str) -> tuple[int, str]:
        """The status, and the message of the answer, which must be JSON."""
        sent = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(self.server.url.removeprefix("http://"), timeout=90)
        try:
            connection.request("POST", self.path + query, body, sent)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())["message"]
        finally:
            connection.close()


@pytest.fixture(scope="module")
def target(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with ExitStack() as stack:
        database_url = stack.enter_context(cloned_database(postgres_url))
        server = live.start_server(database_url, tmp_path_factory.mktemp("bodies"))
        stack.callback(server.child.stop)
        yield Target(server)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (JSON, b"[" * 260 + b"]" * 260, 422),
        (JSON, b"[" * MIB, 422),
        (JSON, b'{"a":' * 5_000, 422),
        (JSON, b"\xff", 422),
        (JSON, b'"\\ud800"', 422),
        (JSON, b"1e999", 422),
        (JSON, b"\xef\xbb\xbf{}", 200),
        (JSON + "; charset=utf-16", "{}".encode("utf-16"), 200),
        (JSON + "; charset=punycode", b"{}", 200),
        (XML, b"<a>" * 400 + b"</a>" * 400, 422),
        (XML, f"<!DOCTYPE a [<!ENTITY e0 'x'>{CHAIN}]><a>&e50000;</a>".encode(), 422),
        (XML, b"<!DOCTYPE a [<!ENTITY b '" + b"x" * 10_000 + b"'>]><a>" + b"&b;" * 10_000 + b"</a>", 422),
        (XML, b"<?xml version='1.0' encoding='idna'?><a>" + b"x" * 300_000 + b"</a>", 200),
        (TEXT + "; charset=punycode", b"a-" + b"b" * 300_000, 200),
        (TEXT + "; charset=idna", b"x" * 300_000, 200),
        (TEXT + "; charset=undefined", b"x", 200),
        (TEXT + "; charset=\xe9", b"x", 200),
        (TEXT, b"\x00" * 100_000, 422),
        (FORM, b"?][=1&[=2&]=3", 200),
        (FORM, b"a&" * 100_000, 422),
        (FORM, b"a[b]" + b"[c]" * 10_000 + b"=1", 200),
        (MULTIPART, PART * 2_000 % tuple([b""] * 2_000) + b"--B--", 422),
        (MULTIPART, PART % (b";a" * 100_000) + b"--B--", 422),
        (MULTIPART, PART % (b'; filename="' + b"a" * 100_000 + b'"') + b"--B--", 422),
        (MULTIPART, b"--B\r\n" * 100_000, 422),
        ("multipart/form-data", b"--B--", 422),
        ("multipart/form-data; boundary=" + "b" * 5_000, b"--B--", 422),
        ("a" * 5_000, b"x", 200),
    ],
)
def test_it_is_taken_or_refused(target: Target, kind: str, body: bytes, status: int) -> None:
    assert target.send(kind, body)[0] == status


@pytest.mark.parametrize(
    "query", ["?][=1", "][=1&[]=2&a[=3&a]=4", "a[]=1&a=2&a[b]=3", "a[b]" * 1_000, "%00=%ff&%5b%5d=1", "&=&"]
)
def test_any_query_is_taken(target: Target, query: str) -> None:
    assert target.send(TEXT, b"x", f"?{query}")[0] == 200


@pytest.mark.parametrize(
    "path", ["/webhook/%00", "/webhook/%ff", "/webhook//", "/webhook/" + "a/" * 1_000, "/webhook-waiting/%00"]
)
def test_any_path_is_refused(target: Target, path: str) -> None:
    assert target.server.get(path).status in (400, 404)


def test_content_codings(target: Target) -> None:
    assert target.send(JSON, gzip.compress(b'{"a":1}'), Content_Encoding="gzip")[0] == 200
    assert target.send(JSON, b'{"a":1}', Content_Encoding="gzip")[0] == 422
    assert target.send(JSON, b"{}", Content_Encoding="br")[0] == 415
    bomb = gzip.compress(b'"' + b"a" * 64 * MIB + b'"')
    assert target.send(JSON, bomb, Content_Encoding="gzip")[0] == 413


def peak(pid: int, name: str = "VmHWM") -> int:
    (line,) = (row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


HALF = 8 * MIB
HEAVY: dict[str, tuple[str, Callable[[], bytes]]] = {
    "lists": (JSON, lambda: b"[" + b"[]," * (HALF // 3) + b"1]"),
    "objects": (JSON, lambda: b"[" + b'{"a":{}},' * (HALF // 9) + b"1]"),
    "keys": (JSON, lambda: b"{" + b",".join(b'"%07d":0' % key for key in range(HALF // 12)) + b"}"),
    "one by one in lists": (JSON, lambda: b"[" + b"[[0]]," * (HALF // 6) + b"1]"),
    "deep lists": (JSON, lambda: b"[" + (b"[" * 150 + b"]" * 150 + b",") * (HALF // 301) + b"1]"),
    "escaped emoji": (JSON, lambda: b'"' + b"\\ud83d\\ude00" * (HALF // 12) + b'"'),
    "utf-16": (TEXT + "; charset=utf-16", lambda: "\U0001f600".encode("utf-16") * (HALF // 6)),
    "pluses": (FORM, lambda: b"a=" + b"+" * HALF),
    "lines": (MULTIPART, lambda: PART.replace(b"1", b"\r\n-" * (HALF // 3)) % b"" + b"--B--"),
    "comments": (XML, lambda: b"<a>" + b"<!--b-->" * (HALF // 8) + b"</a>"),
    "references": (XML, lambda: b"<a>" + b"&lt;" * (HALF // 4) + b"</a>"),
    "emoji": (TEXT, lambda: "\U0001f600".encode() * (HALF // 4)),
    "escapes": (FORM, lambda: b"a=" + b"%41" * (HALF // 3)),
    "a file": ("image/png", lambda: b"\x00" * HALF),
    "a field": (MULTIPART, lambda: PART.replace(b"1", b"x" * HALF) % b"" + b"--B--"),
    "xml": (XML, lambda: b"<a>" + b"<b c='d'>e</b>" * (MIB // 15) + b"x" * HALF + b"</a>"),
}


@pytest.mark.parametrize("name", HEAVY)
def test_it_takes_less_than_ten_times_its_size(target: Target, name: str) -> None:
    kind, make = HEAVY[name]
    body = make()
    children = Path(f"/proc/{target.server.child.pid}/task/{target.server.child.pid}/children")
    if not children.exists():
        pytest.skip("needs Linux to tell the memory of another process")
    (pid,) = map(int, children.read_text().split())
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = peak(pid, "VmRSS")
    assert target.send(kind, body)[0] == 200
    assert peak(pid) - before < 10 * len(body)
