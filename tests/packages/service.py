"""A service on this machine that answers as it is told, and remembers every request word by word."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = tuple[str, str, dict[str, str], Any]
"""Method, path with its query, headers by their names in small letters, and the body: JSON, text, or None."""


@dataclass
class Service:
    """Answers by method and path, texts as they are and the rest as JSON; 404 for what it does not know."""

    url: str
    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[Request] = field(default_factory=list)

    def take(self) -> list[Request]:
        """What was asked since the last time."""
        seen, self.seen = self.seen, []
        return seen


@contextmanager
def serving() -> Iterator[Service]:
    """A service on a free port."""
    service = Service("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            service.seen.append((self.command, self.path, headers, read(body)))
            known = service.answers.get(f"{self.command} {self.path.partition('?')[0]}")
            said = {"message": "no such thing"} if known is None else known
            text = said.encode() if isinstance(said, str) else json.dumps(said).encode()
            self.send_response(404 if known is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield service
        finally:
            server.shutdown()


def read(body: bytes) -> Any:
    """JSON where it is some, else text, None for nothing."""
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
