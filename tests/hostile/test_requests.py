"""Requests that nobody sends in good faith: each is answered with JSON and no 5xx, or cut off; and the API goes on."""

import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests import live
from tests.live import KEY, LiveServer
from tests.patience import PATIENCE_SECONDS
from tests.postgres import cloned_database

LIMIT = 4096
K = f"X-N8N-API-KEY: {KEY}\r\n"
J = "Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with cloned_database(postgres_url) as url:
        home = tmp_path_factory.mktemp("home")
        server = live.start_server(url, home, EXECUTIONS_MAX_BODY_BYTES=LIMIT, EXECUTIONS_HTTP_THREADS=4)
        yield server
        server.child.stop()


def said(server: LiveServer, text: bytes) -> tuple[int, bytes] | None:
    """The first answer to these bytes and its body, None when the server closes without any."""
    url = urlsplit(server.url)
    with socket.create_connection((url.hostname, url.port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(client, method=text.split(b" ", 1)[0].decode("latin-1", "replace"))
        try:
            answer.begin()
            return answer.status, answer.read()
        except (ConnectionError, http.client.HTTPException):
            return None


def get(path: str, more: str = "", version: str = "1.1") -> bytes:
    return f"GET {path} HTTP/{version}\r\nHost: x\r\n{K}{more}\r\n".encode("latin-1")


def post(body: bytes, more: str = J, length: object = None) -> bytes:
    announced = f"Content-Length: {len(body) if length is None else length}\r\n" if length != "none" else ""
    return f"POST /api/v1/tags HTTP/1.1\r\nHost: x\r\n{K}{more}{announced}\r\n".encode("latin-1") + body


def chunks(*lines: bytes, more: str = "") -> bytes:
    return post(b"\r\n".join(lines), f"{J}Transfer-Encoding: chunked\r\n{more}", length="none")


TAG = b'{"name": "%s"}'
PATHS = {
    "a script name that takes the path's beginning": (get("/webhook/metrics", "SCRIPT_NAME: /webhook\r\n"), {404}),
    "the same below the API": (get("/webhook/api/v1/executions", "SCRIPT_NAME: /webhook\r\n"), {404}),
    "the same with other headers of proxies": (
        get("/webhook/metrics", "PATH_INFO: /metrics\r\nX-Script-Name: /webhook\r\nX-Forwarded-Prefix: /webhook\r\n"),
        {404},
    ),
    "two slashes before metrics": (get("//metrics"), {404}),
    "an encoded slash before metrics": (get("/%2fmetrics"), {404}),
    "metrics by another spelling": (get("/%6detrics"), {404}),
    "metrics below webhooks": (get("/webhook/../metrics"), {404}),
    "metrics below webhooks, encoded": (get("/webhook/..%2fmetrics"), {404}),
    "encoded slash": (get("/api/v1/executions%2F1"), {404}),
    "encoded slash in an id": (get("/api/v1/tags/a%2Fb"), {404}),
    "dots": (get("/api/v1/../v1/executions"), {404}),
    "a prefix that the caller makes up": (get("/webhook/metrics", "SCRIPT_NAME: /webhook\r\n"), {404}),
    "a path that the caller makes up": (get("/webhook/x", "PATH_INFO: /metrics\r\n"), {404}),
    "a prefix in front of the API": (get("/webhook/api/v1/tags", "SCRIPT_NAME: /webhook\r\n"), {404}),
    "encoded dots": (get("/api/v1/%2e%2e/v1/executions"), {404}),
    "double slashes": (get("//api/v1//executions"), {404}),
    "backslashes": (get("/api/v1\\executions"), {404}),
    "NUL": (get("/api/v1/tags/%00"), {400, 404}),
    "not UTF-8": (get("/api/v1/tags/%ff%fe"), {400, 404}),
    "bare bytes": (get("/api/v1/tags/\xff"), {400, 404}),
    "a bad escape": (get("/api/v1/tags/%zz"), {404}),
    "a fragment": (get("/api/v1/tags#x"), {200, 400, 404}),
    "a semicolon": (get("/api/v1/tags;x=1"), {404}),
    "a huge id": (get("/api/v1/executions/" + "9" * 7000), {404}),
    "a huge query": (get("/api/v1/executions?status=" + "x" * 7000), {400}),
    "a thousand parameters": (get("/api/v1/executions?" + "status=error&" * 600), {200, 400}),
    "NUL in a query": (get("/api/v1/executions?workflowId=%00"), {200, 400}),
    "no UTF-8 in a query": (get("/api/v1/executions?workflowId=%ff&tag=%ed%a0%80"), {200, 400}),
    "the whole address": (get("http://example.com/api/v1/tags"), {200, 404}),
    "an address without a scheme": (get("example.com:80"), {400, 404}),
    "a star": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 405}),
    "a tunnel": (b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 405}),
}
HEADS = {
    "no host": (f"GET /api/v1/tags HTTP/1.1\r\n{K}\r\n".encode(), {400}),
    "no header at all": (b"GET /healthz HTTP/1.1\r\n\r\n", {400}),
    "no host, as HTTP/1.0 has it": (f"GET /api/v1/tags HTTP/1.0\r\n{K}\r\n".encode(), {200}),
    "an empty host": (f"GET /api/v1/tags HTTP/1.1\r\nHost:\r\n{K}\r\n".encode(), {200}),
    "an address with a port for a host": (b"GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", {200}),
    "a host that is none": (b"GET /healthz HTTP/1.1\r\nHost: a b/<>\r\n\r\n", {400}),
    "a host with somebody's name": (b"GET /healthz HTTP/1.1\r\nHost: me@x\r\n\r\n", {400}),
    "two hosts": (get("/api/v1/tags", "Host: y\r\n"), {400}),
    "an odd host": (get("/api/v1/tags", "X-Forwarded-Host: a b/<>\r\n"), {200}),
    "HTTP/1.0": (get("/api/v1/tags", version="1.0"), {200}),
    "HTTP/0.9": (b"GET /api/v1/tags\r\n\r\n", {400}),
    "HTTP/2 of nowhere": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    "two keys": (get("/api/v1/tags", "X-N8N-API-KEY: other\r\n"), {401}),
    "an underscore for a dash": (
        f"GET /api/v1/tags HTTP/1.1\r\nHost: x\r\n{K.replace('-', '_')}\r\n".encode(),
        {400, 401},
    ),
    "another method by header": (get("/api/v1/tags", "X-HTTP-Method-Override: DELETE\r\n"), {200}),
    "a method of its own": (b"BREW /api/v1/tags HTTP/1.1\r\nHost: x\r\n" + K.encode() + b"\r\n", {405}),
    "a method in small letters": (b"get /api/v1/tags HTTP/1.1\r\nHost: x\r\n" + K.encode() + b"\r\n", {400, 405}),
    "a folded header": (get("/api/v1/tags", "X: a\r\n b\r\n"), {200, 400}),
    "an empty name": (get("/api/v1/tags", ": x\r\n"), {400}),
    "a space before the colon": (get("/api/v1/tags", "Content-Length : 5\r\n"), {400}),
    "NUL in a header": (get("/api/v1/tags", "X: a\0b\r\n"), {400}),
    "a bare return": (get("/api/v1/tags", "X: a\rb\r\n"), {200, 400}),
    "a thousand headers": (get("/api/v1/tags", "".join(f"X-{n}: 1\r\n" for n in range(1000))), {431}),
    "a head of a megabyte": (get("/api/v1/tags", ("X: " + "y" * 8000 + "\r\n") * 125), {431}),
    "a head without an end": (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, {431}),
    "a huge request id": (get("/api/v1/tags", "X-Request-Id: " + "x" * 8000 + "\r\n"), {200}),
    "an idempotency key of dirt": (post(TAG % b"idem", J + "Idempotency-Key: \x01\x7f\xff\r\n"), {201, 400}),
    "any encoding": (get("/api/v1/tags", "Accept-Encoding: ;q=x,,gzip;q=9,*;q=-1\r\n"), {200}),
    "a range": (get("/api/v1/tags", "Range: bytes=0-0\r\nIf-None-Match: *\r\n"), {200}),
    "an upgrade": (
        get("/api/v1/tags", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"),
        {200},
    ),
}
BODIES = {
    "two lengths": (post(TAG % b"a", J + "Content-Length: 3\r\n"), {400}),
    "a negative length": (post(b"", length=-1), {400}),
    "a length with a sign": (post(TAG % b"a", length="+13"), {400}),
    "a length of words": (post(b"", length="many"), {400}),
    "a huge length": (post(b"{", length=10**17), {413}),
    "a length beyond 64 bits": (post(b"{", length=10**30), {400, 413}),
    "both length and chunks": (chunks(b"0", b"", b"", more="Content-Length: 5\r\n"), {400}),
    "chunks twice": (chunks(b"0", b"", b"", more="Transfer-Encoding: chunked\r\n"), {400}),
    "an unknown coding": (post(b"x", J + "Transfer-Encoding: gzip\r\n", length="none"), {400}),
    "a coding much like one": (post(b"x", J + "Transfer-Encoding: xchunked\r\n", length="none"), {400}),
    "a chunk of words": (chunks(b"zz", b"{}", b"0", b"", b""), {400}),
    "a negative chunk": (chunks(b"-1", b"{}", b"0", b"", b""), {400}),
    "a chunk of 16 digits": (chunks(b"f" * 16, b"{}", b"0", b"", b""), {400, 413}),
    "a chunk that lies": (chunks(b"2", b"{}}}}}", b"0", b"", b""), {400}),
    "chunks that end early": (chunks(b"50", b"{"), {400, None}),
    "a chunk with an extension": (chunks(b"11;a=b", TAG % b"chunk", b"0", b"", b""), {201, 400}),
    "a trailer": (chunks(b"13", TAG % b"trailer", b"0", b"X-Y: z", b"", b""), {201, 400}),
    "a body that ends early": (post(b"{", length=50), {400, None}),
    "a body behind GET": (
        b"GET /api/v1/tags HTTP/1.1\r\nHost: x\r\n" + K.encode() + b"Content-Length: 2\r\n\r\n{}",
        {200, 400},
    ),
    "at the limit": (post(b'{"name": "' + b"x" * (LIMIT - 12) + b'"}'), {400}),
    "one byte over": (post(b'{"name": "' + b"x" * (LIMIT - 11) + b'"}'), {413}),
    "one over, in chunks": (chunks(b"%x" % (LIMIT + 1), b" " * (LIMIT + 1), b"0", b"", b""), {413}),
    "ten times over, in chunks": (chunks(b"%x" % (10 * LIMIT), b" " * 10 * LIMIT, b"0", b"", b""), {413}),
    "a byte order mark": (post(b"\xef\xbb\xbf" + TAG % b"bom"), {400}),
    "UTF-16": (post('{"name": "x"}'.encode("utf-16"), "Content-Type: application/json; charset=utf-16\r\n"), {400}),
    "an unknown charset": (post(TAG % b"charset", "Content-Type: application/json; charset=x-klingon\r\n"), {201, 400}),
    "a type without an end": (post(TAG % b"t", 'Content-Type: application/json; a="\r\n'), {201, 400, 415}),
    "two types": (post(TAG % b"t", J + "Content-Type: text/plain\r\n"), {400, 415}),
    "no type": (post(TAG % b"t", ""), {415}),
    "a form": (post(b"name=x", "Content-Type: multipart/form-data; boundary=x\r\n"), {415}),
    "packed": (post(b"\x1f\x8b\x08\x00", J + "Content-Encoding: gzip\r\n"), {400, 415}),
    "deep": (post(b'{"name": ' + b"[" * 2000 + b"]" * 2000 + b"}"), {400}),
    "a key a thousand times": (post(b"{" + b",".join([b'"name": "x"'] * 300) + b"}"), {201, 400}),
    "a number without an end": (post(b'{"name": ' + b"9" * 4000 + b"}"), {400}),
    "a lone surrogate": (post(b'{"name": "\\ud800"}'), {400}),
    "not a number": (post(b'{"name": NaN}'), {400}),
    "go on?": (post(TAG % b"go on", J + "Expect: 100-continue\r\n"), {201}),
    "another expectation": (post(TAG % b"x", J + "Expect: the-unexpected\r\n"), {201, 400, 417}),
}


@pytest.mark.parametrize(("text", "statuses"), {**PATHS, **HEADS, **BODIES}.values(), ids={**PATHS, **HEADS, **BODIES})
def test_it_is_refused_or_served_and_nothing_else(server, text, statuses) -> None:
    answer = said(server, text)
    if answer is None:
        assert None in statuses
    else:
        status, body = answer
        assert status in statuses, body
        if status >= 400:
            assert json.loads(body)["message"]
    assert server.get("/healthz").status == 200


def test_what_was_sent_behind_a_body_is_a_request_of_its_own_or_none(server) -> None:
    """A request that is smuggled in a body is not carried out, however its length is told."""
    smuggled = f"DELETE /api/v1/tags/victim HTTP/1.1\r\nHost: x\r\n{K}\r\n".encode()
    assert server.post("/api/v1/tags", {"name": "victim"}).status == 201
    victim = next(tag["id"] for tag in server.get("/api/v1/tags").body["data"] if tag["name"] == "victim")
    smuggled = smuggled.replace(b"/victim", f"/{victim}".encode())
    for framed in (
        chunks(b"0", b"", b"", more=f"Content-Length: {len(smuggled)}\r\n") + smuggled,
        post(smuggled, J + "Content-Length: 0\r\n"),
        post(smuggled, J + "Transfer-Encoding: identity, chunked\r\n"),
        post(smuggled, J + "Transfer-Encoding : chunked\r\n"),
        post(smuggled, J + "Transfer-Encoding:\tchunked, identity\r\n"),
    ):
        said(server, framed)
        assert server.get(f"/api/v1/tags/{victim}").status == 200


@pytest.mark.parametrize("rest", [b"zz\r\n", b"2\r\nabXX0\r\n\r\n", b"0\r\nX y\r\n\r\n", b"0\n\n"])
def test_a_body_that_nobody_wanted_gets_no_second_answer(server, rest) -> None:
    """Not even when it cannot be read to its end: a proxy would take that for the answer to its next request."""
    head = b"POST /webhook/nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert answers(server, head + rest).count(b"HTTP/1.1 ") == 1


def test_one_that_is_too_large_is_refused_before_its_end(server) -> None:
    begun = post(b"ffffffff\r\n" + b" " * (LIMIT + 200_000), f"{J}Transfer-Encoding: chunked\r\n", length="none")
    assert answers(server, begun).startswith(b"HTTP/1.1 413 ")


def answers(server: LiveServer, text: bytes) -> bytes:
    """All that the server says to these bytes until it closes; the client does not."""
    url = urlsplit(server.url)
    with socket.create_connection((url.hostname, url.port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(text)
        return b"".join(iter(lambda: client.recv(2**16), b""))


@pytest.mark.parametrize("close", ["close, keep-alive", "keep-alive , CLOSE", "keep-alive\r\nConnection: close"])
def test_a_client_that_wants_the_end_gets_it(server, close) -> None:
    head = f"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: {close}\r\n\r\n".encode()
    assert answers(server, head + get("/healthz")).count(b"HTTP/1.1 ") == 1


def test_one_of_http_1_0_that_wants_more_gets_it(server) -> None:
    first = get("/healthz", "Connection: keep-alive, x\r\n", version="1.0")
    assert answers(server, first + get("/healthz", version="1.0")).count(b"HTTP/1.0 200") == 2


def test_each_line_of_the_log_is_json(server) -> None:
    lines = [json.loads(line) for line in server.child.log.read_text().splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    assert all(line["request_id"] for line in lines if line["logger"] == "app.requests")
    assert any(line["message"] == "request refused" for line in lines)


def test_no_line_of_all_that_was_an_unexpected_error(server) -> None:
    assert "unexpected error" not in server.child.log.read_text()
    assert "Traceback" not in server.child.log.read_text()
