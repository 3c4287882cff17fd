"""A web server for tests to send requests to: it tells what it was sent, and answers in every way that there is.

Runs by itself, too (`python far_side.py PORT`), so that recorded cases can be made against the same answers.
"""

import base64
import gzip
import hashlib
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><link>http://news.example/</link>
<item><title>First &amp; best</title><link>http://news.example/1</link><guid isPermaLink="false">g-1</guid>
<pubDate>Mon, 19 Feb 2024 10:30:00 GMT</pubDate>
<description>&lt;p&gt;Hello &lt;b&gt;you&lt;/b&gt;&lt;/p&gt;</description>
<category>a</category><category>b</category><author>ann@news.example</author></item>
<item><title>Second</title><link>http://news.example/2</link><description>Plain</description></item>
</channel></rss>"""
ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Atoms</title>
<entry><title>One</title><id>urn:1</id><link href="http://atom.example/1"/><updated>2024-02-19T10:30:00Z</updated>
<published>2024-02-18T10:30:00Z</published><author><name>Ann</name></author><summary>Short</summary>
<content type="html">&lt;p&gt;Long&lt;/p&gt;</content></entry></feed>"""
RICH_FEED = b"""<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/"
 xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>Rich</title>
<item><title>T</title><link>http://n.example/1</link><guid>g1</guid><dc:creator>Ann</dc:creator>
<dc:date>2024-02-19T10:30:00Z</dc:date><content:encoded><![CDATA[<p>Full <b>text</b></p>]]></content:encoded>
<description><![CDATA[Short &amp; <i>sweet</i>]]></description><comments>http://n.example/c</comments>
<enclosure url="http://n.example/a.mp3" length="12" type="audio/mpeg"/><extra>E</extra><media:thing>M</media:thing>
<itunes:author>I</itunes:author><category domain="d">c1</category><pubDate>not a date</pubDate></item>
<item><title/><description></description></item></channel></rss>"""
PLAIN_ANSWERS: dict[str, tuple[int, str, bytes]] = {
    "/object": (200, "application/json", b'{"a": 1, "b": {"c": [1, 2]}}'),
    "/array": (200, "application/json", b'[{"n": 1}, {"n": 2}]'),
    "/scalars": (200, "application/json", b'[1, "two", null]'),
    "/number": (200, "application/json", b"42"),
    "/null": (200, "application/json", b"null"),
    "/vendor": (200, "application/vnd.api+json; charset=utf-8", b'{"v": 1}'),
    "/empty": (200, "application/json", b""),
    "/none": (204, "", b""),
    "/broken": (200, "application/json", b'{"a": '),
    "/text": (200, "text/plain; charset=utf-8", "h\u00e9llo".encode()),
    "/latin": (200, "text/plain; charset=iso-8859-1", "h\u00e9llo".encode("latin-1")),
    "/html": (200, "text/html", b"<h1>Hi</h1>"),
    "/json-as-text": (200, "text/plain", b'{"a": 1}'),
    "/untyped": (200, "", b"untyped"),
    "/pixel.png": (200, "image/png", PIXEL),
    "/octets": (200, "application/octet-stream", b"\x00\x01\x02"),
    "/feed": (200, "application/rss+xml", FEED),
    "/rich-feed": (200, "application/rss+xml", RICH_FEED),
    "/atom": (200, "application/atom+xml", ATOM),
    "/not-a-feed": (200, "text/html", b"<html><body>No feed</body></html>"),
    "/error-object": (400, "application/json", b'{"message": "Bad thing", "code": "E1"}'),
    "/error-nested": (422, "application/json", b'{"error": {"message": "Nested", "code": 7}}'),
    "/error-text": (500, "text/plain", b"it broke"),
    "/error-html": (502, "text/html", b"<html>Bad gateway</html>"),
    "/error-empty": (404, "application/json", b""),
}
PACKED = {
    "gzip": gzip.compress(b"packed"),
    "gzip, gzip": gzip.compress(gzip.compress(b"x" * 1_000_000)),
    "zstd": base64.b64decode("KLUv/aBAQg8ATAAACHgBAPz/ORACAgAQeAIAEHgCABB4AgAQeAIAEHgCABB4AxIKeA=="),  # a million x
}
SHOWN = ("accept", "authorization", "content-type", "cookie", "user-agent", "x-one", "x-two", "x-key",
         "x-shopify-access-token")  # fmt: skip


def digest(text: str) -> str:
    """How `/checked` tells what it was sent without repeating it."""
    return hashlib.sha256(text.encode()).hexdigest()


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class FarSide(BaseHTTPRequestHandler):
    """Answers by path; `/echo` and what is not known tells what was sent."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def handle_request(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        path, query = parts.path, dict(parse_qsl(parts.query))
        if path in PLAIN_ANSWERS:
            status, kind, content = PLAIN_ANSWERS[path]
            self.answer(status, content, kind)
        elif path.startswith("/status/"):
            self.answer(int(path.rsplit("/", 1)[1]), b'{"message": "status message"}')
        elif path.startswith("/redirect/"):
            left = int(path.rsplit("/", 1)[1])
            target = f"/redirect/{left - 1}" if left > 1 else "/echo"
            self.answer(int(query.get("code", "302")), b"moved", "text/plain", location=query.get("to", target))
        elif path == "/slow":
            time.sleep(float(query.get("seconds", "2")))
            self.answer(200, b'{"slow": true}')
        elif path == "/flaky":
            count = self.server.counts[query["key"]] = self.server.counts.get(query["key"], 0) + 1  # type: ignore[attr-defined]
            status = 200 if count > int(query.get("after", "2")) else 503
            self.answer(status, json.dumps({query.get("field", "count"): count}).encode())
        elif path == "/big":
            self.answer(200, b"x" * int(query["bytes"]), "text/plain")
        elif path == "/packed":
            self.answer(200, PACKED[query["codings"]], "text/plain", **{"content-encoding": query["codings"]})
        elif path == "/say":
            answer = {"content-disposition": query["disposition"]} if "disposition" in query else {}
            content = query.get("text", "").encode(query.get("charset", "utf-8"))
            self.answer(int(query.get("status", "200")), content, query.get("type", ""), **answer)
        elif path == "/headers":
            self.answer(200, b"{}", **{f"x-{number}": "v" for number in range(int(query["number"]))})
        elif path == "/pages":
            page = int(query.get("page", "1"))
            rows = [{"row": page * 10 + n} for n in range(2)] if page <= 3 else []
            following = f"http://{self.headers['host']}/pages?page={page + 1}" if page < 3 else None
            self.answer(200, json.dumps({"rows": rows, "page": page, "next": following, "last": page >= 3}).encode())
        elif path == "/rows":
            page = int(query.get("page", "1"))
            self.answer(200, json.dumps([{"row": page * 10 + n} for n in range(2)] if page <= 3 else []).encode())
        elif path == "/checked":
            self.answer(200, json.dumps({"key_sha256": digest(self.headers.get("x-key", ""))}).encode())
        elif path == "/cookie":
            self.answer(200, b"{}", **{"set-cookie": "a=1"})
        elif path == "/locked":
            self.locked()
        elif path == "/digest":
            self.digest()
        elif path == "/file":
            self.answer(200, b"a,b\n1,2\n", "text/csv", **{"content-disposition": 'attachment; filename="rows.csv"'})
        elif path == "/hangup":
            self.close_connection = True
            self.connection.close()
        else:
            self.answer(200, json.dumps(self.told(sent)).encode())

    def told(self, sent: bytes) -> dict[str, Any]:
        boundary = self.headers.get_boundary() if hasattr(self.headers, "get_boundary") else None
        body, kind = sent.decode("utf-8", "replace"), self.headers.get("content-type", "")
        if boundary:
            body, kind = body.replace(boundary, "BOUNDARY"), kind.replace(boundary, "BOUNDARY")
        shown = {name: self.headers[name] for name in SHOWN if name in self.headers}
        return {
            "method": self.command,
            "path": self.path,
            "headers": {**shown, **({"content-type": kind} if kind else {})},
            "body": body,
        }

    def locked(self) -> None:
        given = self.headers.get("authorization", "")
        if given == "Basic " + base64.b64encode(b"ann:secret").decode():
            self.answer(200, b'{"open": true}')
        else:
            self.answer(401, b'{"message": "No entry"}', **{"www-authenticate": "Basic"})

    def digest(self) -> None:
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', self.headers.get("authorization", "")))
        secret = md5("ann:far side:secret")
        request = md5(f"{self.command}:{self.path}")
        if given.get("response") == md5(f"{secret}:n0nce:{given.get('nc')}:{given.get('cnonce')}:auth:{request}"):
            self.answer(200, b'{"open": true}')
        else:
            challenge = 'Digest realm="far side", nonce="n0nce", qop="auth", algorithm=MD5'
            self.answer(401, b'{"message": "No entry"}', **{"www-authenticate": challenge})

    def answer(self, status: int, content: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-Answer", "yes")
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the tests say what went wrong."""

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_request


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), FarSide)
        self.counts: dict[str, int] = {}


@contextmanager
def running(port: int = 0) -> Iterator[str]:
    """The server in the background; gives its address."""
    with Server(port) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_address[1]}"
        made.shutdown()


if __name__ == "__main__":
    Server(int(sys.argv[1])).serve_forever()
