"""A registry of npm's on this machine, with the packages that a test gives it."""

import base64
import hashlib
import io
import json
import socket
import struct
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

NODE = """
exports.Greet = class {
  constructor() {
    this.description = {
      displayName: 'Greet', name: 'greet', group: ['transform'], version: VERSION, inputs: ['main'], outputs: ['main'],
      usableAsTool: true,
      credentials: [{ name: 'greetApi', required: true, displayOptions: { show: { polite: [true] } } }],
      properties: [
        { displayName: 'Whom', name: 'whom', type: 'string', default: '', required: true },
        { displayName: 'Polite', name: 'polite', type: 'boolean', default: false },
      ],
    };
  }
  async execute() { return [this.getInputData()]; }
};
"""
CREDENTIAL = """
exports.GreetApi = class {
  constructor() {
    this.name = 'greetApi';
    this.displayName = 'Greet API';
    this.properties = [
      { displayName: 'Host', name: 'host', type: 'string', default: 'https://greet.example', required: true },
      { displayName: 'Token', name: 'token', type: 'string', typeOptions: { password: true }, default: '' },
    ];
    this.authenticate = { type: 'generic', properties: { headers: { 'X-Token': '={{$credentials.token}}' } } };
  }
};
"""


class Registry:
    """What is published, and which paths were asked for."""

    def __init__(self) -> None:
        self.url = ""
        self.npmrc = Path("npmrc")
        """What this user sets of npm."""
        self.asked: list[str] = []
        self.asked_by: dict[str, set[str]] = {}
        """The same by the command of npm that asked (`install`, `ci`), each once."""
        self.gate = threading.Event()
        """Tarballs are sent while it is set."""
        self.gate.set()
        self.resets = 0
        """So many of the next tarballs are answered by a connection that breaks off."""
        self._packages: dict[str, dict[str, tuple[dict[str, Any], bytes]]] = {}

    def publish(self, name: str, version: str = "1.0.0", files: dict[str, str] | None = None, **about: Any) -> None:
        """Offer a version of a package; the last one is the latest."""
        described = {"name": name, "version": version, "license": "MIT", **about}
        tarball = pack({"package.json": json.dumps(described), **(files or {})})
        self._packages.setdefault(name, {})[version] = (described, tarball)

    def publish_greet(self, version: str = "1.0.0", name: str = "n8n-nodes-greet", **about: Any) -> None:
        """Offer a package with one node and one credential type."""
        files = {"Greet.node.js": NODE.replace("VERSION", version[0]), "GreetApi.credentials.js": CREDENTIAL}
        offers = {"nodes": ["Greet.node.js"], "credentials": ["GreetApi.credentials.js"]}
        author = "Ada <ada@example.com> (https://example.com)"
        self.publish(name, version, files, n8n=offers, author=author, **about)

    def answer(self, path: str) -> bytes | None:
        """What is sent for a path; None for 404."""
        self.asked.append(path)
        name, _, version = path.strip("/").removesuffix(".tgz").partition("/-/")
        versions = self._packages.get(name)
        if versions is None:
            return None
        if version:
            self.gate.wait(60)
            return next((ball for number, (_, ball) in versions.items() if version == self._file(name, number)), None)
        listed = {
            number: {**about, "dist": self._dist(name, number, ball)} for number, (about, ball) in versions.items()
        }
        return json.dumps({"name": name, "dist-tags": {"latest": list(versions)[-1]}, "versions": listed}).encode()

    def _dist(self, name: str, version: str, tarball: bytes) -> dict[str, str]:
        digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
        return {"integrity": f"sha512-{digest}", "tarball": f"{self.url}/{name}/-/{self._file(name, version)}.tgz"}

    def _file(self, name: str, version: str) -> str:
        return f"{name.rpartition('/')[2]}-{version}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer on a free port."""
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if registry.resets > 0 and self.path.endswith(".tgz"):
                    registry.resets -= 1
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                    return
                path = unquote(self.path)
                registry.asked_by.setdefault(self.headers.get("npm-command", ""), set()).add(path)
                body = registry.answer(path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body or b"{}")))
                self.end_headers()
                self.wfile.write(body if body is not None else b"{}")

            def log_message(self, *_: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield
            finally:
                self.gate.set()
                server.shutdown()


def pack(files: dict[str, str]) -> bytes:
    """A tarball as npm's registry has them."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()
