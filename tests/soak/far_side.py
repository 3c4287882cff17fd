"""The far side: an HTTP server that the nodes of running workflows call, and that remembers who called."""

import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

SLOW_SECONDS = (0.2, 2.5)
FAILURES = (0, 0, 1, 1, 2)  # how often a chain of retries fails before it may succeed


class FarSide(ThreadingHTTPServer):
    """Counts calls by execution and node. Which chains fail, and how often, follows from the seed."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: Counter[tuple[int, str]] = Counter()
        self.attempts: Counter[str] = Counter()
        self.resume_urls: dict[int, str] = {}
        self._seed = seed
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, name="far side", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a caller that was killed does not wait for its answer."""

    def called(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Note a call; the status and the body of its answer."""
        token = query["token"]
        with self._lock:
            self.calls[int(query["execution"]), query["node"]] += 1
            if path == "/fragile":
                self.attempts[token] += 1
            if "resume" in query:
                self.resume_urls[int(query["execution"])] = query["resume"]
        chance = random.Random(f"{self._seed} {token}")
        if path == "/slow":
            time.sleep(chance.uniform(*SLOW_SECONDS))
        failed = path == "/fragile" and self.attempts[token] <= chance.choice(FAILURES)
        body = {"token": token, "execution": query["execution"], "node": query["node"]}
        return (500, {"message": "not yet"}) if failed else (200, body)


class Handler(BaseHTTPRequestHandler):
    """One call of a node."""

    protocol_version = "HTTP/1.1"
    server: FarSide

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        status, body = self.server.called(address.path, query)
        text = orjson.dumps(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""
