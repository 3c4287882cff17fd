"""A service that stands for every host of the Internet: it speaks TLS in the name of whoever is asked for.

What it is asked, it writes down; what it answers, its caller says. Its certificates are of a CA that lives as long as
it, and whose certificate is in a file.
"""

import datetime
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Json = dict[str, Any]
HIDDEN = {"host", "connection", "user-agent", "content-length", "accept-encoding"}
"""Headers of the one who sends, and not of the node."""
HANDSHAKE = b"\x16"
"""The first byte of a connection that begins with TLS."""
REFUSAL = {"message": "nope", "error": {"code": 7}}
BOUNDARY = re.compile(r"boundary=(.+)$")
SIGNED = re.compile(r"Signature=[0-9a-f]{64}|\b20\d{6}(?:T\d{6}Z)?(?=\b|/)")
"""What AWS's way to sign makes of the clock."""
OWN_HOSTS = ("n8n.io", "posthog.com", "sentry.io")
"""What an n8n asks on its own account."""


class Authority:
    """A CA, and certificates of it by host."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests of packages")])
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._folder: Path | None = None
        self._lock = threading.Lock()

    def write(self, folder: Path) -> Path:
        """Its own certificate, in a file of this folder."""
        made = self._sign(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None))
        self._folder = folder
        path = folder / "ca.pem"
        path.write_bytes(made)
        return path

    def context(self, host: str) -> ssl.SSLContext:
        """How to speak TLS in the name of a host."""
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = self._make(host)
            return self._contexts[host]

    def _make(self, host: str) -> ssl.SSLContext:
        assert self._folder is not None
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:60])])
        path = self._folder / f"{host}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + self._sign(name, key, x509.SubjectAlternativeName([x509.DNSName(host)])))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> bytes:
        now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + 30 * day)
            .add_extension(extension, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)


def without_chance(request: Json) -> Json:
    """A request without what is another at each time: the boundary of a form, and the time of a signature."""
    headers = request["headers"]
    text = json.dumps(request)
    if found := BOUNDARY.search(headers.get("content-type", "")):
        text = text.replace(found[1], "BOUNDARY")
    if "x-amz-date" in headers:
        text = SIGNED.sub("SIGNED", text)
    made: Json = json.loads(text)
    return made


@dataclass
class Far:
    """Everything that is asked, and how it is answered."""

    port: int
    certificate: Path
    """Of the CA, in PEM."""
    refuses: bool = False
    answers: dict[str, Any] = field(default_factory=dict)
    """By the beginning of the path, the longest first; "" for what nothing else fits. Texts are sent as they are."""
    asked: list[Json] = field(default_factory=list)

    def take(self) -> list[Json]:
        """What was asked since the last time, in an order that does not depend on who was faster."""
        asked, self.asked = self.asked, []
        return sorted(asked, key=lambda request: json.dumps(request, sort_keys=True))

    def answer(self, path: str) -> Any:
        """What a path is answered."""
        fitting = [start for start in self.answers if path.startswith(start)]
        return self.answers[max(fitting, key=len)] if fitting else {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    far: Far
    authority: Authority
    scheme = "http"

    def setup(self) -> None:
        if self.request.recv(1, socket.MSG_PEEK) == HANDSHAKE:
            self.scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.sni_callback = self._choose
            self.request = context.wrap_socket(self.request, server_side=True)
        super().setup()

    def _choose(self, connection: ssl.SSLObject, host: str | None, _: ssl.SSLContext) -> None:
        connection.context = self.authority.context(host or "localhost")

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("transfer-encoding") == "chunked":
            body = self._chunks()
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in HIDDEN}
        host = self.headers.get("host", "")
        if not host.partition(":")[0].endswith(OWN_HOSTS):
            asked = {"method": self.command, "url": f"{self.scheme}://{host}{self.path}", "headers": headers}
            self.far.asked.append(without_chance({**asked, "body": body.decode(errors="replace")}))
        self._say(404 if self.far.refuses else 200, REFUSAL if self.far.refuses else self.far.answer(self.path))

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _say(self, status: int, said: Any) -> None:
        kind = "text/xml" if isinstance(said, str) else "application/json"
        content = said.encode() if isinstance(said, str) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks off is its caller's matter."""


@contextmanager
def serving(folder: Path) -> Iterator[Far]:
    """The service on a free port of this machine; its certificates are kept in the folder."""
    authority = Authority()
    far = Far(0, authority.write(folder))
    handler = type("Handler", (Handler,), {"far": far, "authority": authority})
    with Server(("127.0.0.1", 0), handler) as server:
        far.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield far
        finally:
            with suppress(OSError):
                server.shutdown()
