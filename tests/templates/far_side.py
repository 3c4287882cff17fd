"""The far side of HTTP Request and RSS Read: a server on 127.0.0.1 with one answer for each node of each template.

What it was asked for stands in its JSON answers as `_request`, so that requests are compared as well.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

HOST = "127.0.0.1"
PORT = 8538
MAX_BODY_BYTES = 8 * 2**20
PATH = re.compile(r"/(\d+)/(\d+)(/[^?]*)?(?:\?(.*))?$")
UNCOMPARED = {"host", "connection", "content-length", "accept-encoding", "transfer-encoding", "keep-alive"}
FEED = (
    '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
    "<title>Feed &amp; co</title><link>https://example.com</link><description>All</description><item><title>First "
    "&amp; best</title><link>https://example.com/1</link><pubDate>Tue, 05 Mar 2024 14:30:00 GMT</pubDate><dc:creator>"
    "Ada</dc:creator><description>Desc &lt;b&gt;one&lt;/b&gt;</description><guid>https://example.com/1</guid></item>"
    "<item><title>Second</title><link>https://example.com/2</link><guid isPermaLink='false'>g2</guid></item>"
    "</channel></rss>"
)


@dataclass(frozen=True)
class Reply:
    """An answer: a JSON value, or bytes of a type."""

    json: Any = None
    content: bytes | None = None
    type: str = "application/json; charset=utf-8"

    def encode(self, request: dict[str, Any]) -> bytes:
        if self.content is not None:
            return self.content
        return json.dumps({**self.json, "_request": request}, ensure_ascii=False).encode()


@dataclass
class FarSide:
    """The answers, by template and node."""

    replies: dict[tuple[str, str], Reply] = field(default_factory=dict)
    port: int = PORT

    def url(self, template: int, place: int) -> str:
        return f"http://{HOST}:{self.port}/{template}/{place}"

    @contextmanager
    def serving(self) -> Iterator["FarSide"]:
        """Answer for as long as the block runs."""
        far_side = self

        class Handler(_Handler):
            replies = far_side.replies

        server = ThreadingHTTPServer((HOST, self.port), Handler)
        self.port = server.server_port
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    replies: dict[tuple[str, str], Reply]

    def log_message(self, *ignored: Any) -> None:
        """Say nothing."""

    def answer(self) -> None:
        body = self._body()
        found = PATH.match(self.path)
        template, place, path, query = found.groups() if found else ("", "", self.path, None)
        reply = self.replies.get((template, place), Reply({"ok": True}))
        content = reply.encode(self._told(path or "", query, body))
        self.send_response_only(200)
        self.send_header("content-type", reply.type)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("transfer-encoding") or ""):
            return self.rfile.read(min(int(self.headers.get("content-length") or 0), MAX_BODY_BYTES))
        body = b""
        while (size := int(self.rfile.readline(100).split(b";")[0], 16)) and len(body) + size <= MAX_BODY_BYTES:
            body += self.rfile.read(size)
            self.rfile.readline(100)
        self.rfile.readline(100)
        return body

    def _told(self, path: str, query: str | None, body: bytes) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in UNCOMPARED}
        text = body.decode("utf-8", "replace")[:20_000]
        boundary = re.search(r'boundary="?([^;"]+)', headers.get("content-type", ""))
        if boundary:
            text = text.replace(boundary[1], "BOUNDARY")
            headers["content-type"] = headers["content-type"].replace(boundary[1], "BOUNDARY")
        headers = dict(sorted(headers.items()))
        return {"method": self.command, "path": path, "query": query, "headers": headers, "body": text}
