"""HTTP Request by way of a proxy, and with certificates that it shows or trusts."""

import datetime
import http.client
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from app.engine.run.ports import Ports
from app.engine.run.run import RunOutcome
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.running import Engine, output_of
from tests.patience import PATIENCE_SECONDS
from tests.workflows import START, chain, node


class Forwarding(BaseHTTPRequestHandler):
    """A proxy for plain HTTP: it asks the target itself and says in a header what it was given."""

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        connection = http.client.HTTPConnection(target.netloc, timeout=PATIENCE_SECONDS)
        headers = {"X-One": self.headers.get("Proxy-Authorization", "none")}
        connection.request("GET", f"{target.path}?{target.query}", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        connection.close()

    def log_message(self, *_: Any) -> None:
        pass


class Telling(BaseHTTPRequestHandler):
    """Says who has called."""

    def do_GET(self) -> None:
        shown = self.connection.getpeercert()
        name = dict(pair[0] for pair in shown["subject"])["commonName"] if shown else "nobody"
        body = f'{{"caller": "{name}"}}'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def ask(engine: Engine, url: str, allowed: str, held: dict[str, Any] | None = None, **parameters: Any) -> RunOutcome:
    async def read(credential_id: str, kind: str) -> dict[str, Any] | None:
        return held

    more = {"provideSslCertificates": True} if held else {}
    request = node("Ask", "httpRequest", {"url": url, **more, **parameters}, 4.2)
    if held:
        request["credentials"] = {"httpSslAuth": {"id": "c1", "name": "Mine"}}
    ports = Ports(credentials=read, outgoing=Outgoing(AddressRules.parse(allowed)))
    return engine.run(chain(START, request), ports=ports)


def test_a_request_goes_by_way_of_the_proxy(engine: Engine, address: str) -> None:
    with serving(Forwarding) as port:
        for proxy, proved in (
            (f"http://127.0.0.1:{port}", "none"),
            (f"http://ann:pw@127.0.0.1:{port}", "Basic YW5uOnB3"),
            (f"127.0.0.1:{port}", "none"),
        ):
            outcome = ask(engine, address + "/echo?a=1", "127.0.0.1", options={"proxy": proxy})
            [told] = output_of(outcome, "Ask")
            assert (told["path"], told["headers"]["x-one"]) == ("/echo?a=1", proved)


@pytest.mark.parametrize("allowed", ["proxy only", "target only"])
def test_proxy_and_target_are_both_within_the_rules(engine: Engine, address: str, allowed: str) -> None:
    with serving(Forwarding) as port:
        within = f"127.0.0.1:{port}" if allowed == "proxy only" else address.removeprefix("http://")
        outcome = ask(engine, address + "/echo", within, options={"proxy": f"http://127.0.0.1:{port}"})
    assert "are not allowed: it is a loopback address" in outcome.error.message


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "http://", "ftp://x"])
def test_what_is_no_proxy_is_told(engine: Engine, address: str, proxy: str) -> None:
    outcome = ask(engine, address + "/echo", "127.0.0.1", options={"proxy": proxy})
    assert outcome.error.message == "The proxy must be given as http://host:port"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A CA, and a server and a caller that it vouches for."""
    folder: Path = tmp_path_factory.mktemp("keys")
    authority, vouched = certified("Authority", None)
    made = {"ca": pem(vouched), "folder": folder}
    for name in ("server", "caller"):
        key, certificate = certified(name, (authority, vouched))
        made[name] = pem(certificate)
        made[f"{name}-key"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        sealed = BestAvailableEncryption(b"pass")
        made[f"{name}-sealed"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed).decode()
    return made


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def certified(name: str, by: tuple[Any, x509.Certificate] | None) -> tuple[Any, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    local = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[1].subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(local, critical=False)
        .sign(by[0] if by else key, hashes.SHA256())
    )
    return key, certificate


@pytest.fixture
def guarded(keys: dict[str, Any]) -> Iterator[str]:
    """A server that talks to nobody without a certificate of its CA."""
    for name in ("server", "server-key", "ca"):
        (keys["folder"] / name).write_text(keys[name])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(keys["folder"] / "ca"))
    context.load_cert_chain(keys["folder"] / "server", keys["folder"] / "server-key")
    context.verify_mode = ssl.CERT_REQUIRED
    with serving(Telling, context) as port:
        yield f"https://127.0.0.1:{port}"


def test_a_certificate_is_shown_and_its_ca_is_trusted(engine: Engine, keys: dict[str, Any], guarded: str) -> None:
    held = {"ca": keys["ca"], "cert": keys["caller"], "key": keys["caller-key"]}
    assert output_of(ask(engine, guarded, "127.0.0.1", held), "Ask") == [{"caller": "caller"}]
    folded = {name: text.replace("\n", " ") for name, text in held.items()}
    assert output_of(ask(engine, guarded, "127.0.0.1", folded), "Ask") == [{"caller": "caller"}]
    sealed = {**held, "key": keys["caller-sealed"], "passphrase": "pass"}
    assert output_of(ask(engine, guarded, "127.0.0.1", sealed), "Ask") == [{"caller": "caller"}]


def test_without_them_nothing_comes_of_it(engine: Engine, keys: dict[str, Any], guarded: str) -> None:
    held = {"ca": keys["ca"], "cert": keys["caller"], "key": keys["caller-key"]}
    assert ask(engine, guarded, "127.0.0.1", {**held, "ca": ""}).status == "error"
    assert ask(engine, guarded, "127.0.0.1", {"ca": keys["ca"]}).status == "error"
    for wrong in ({**held, "key": keys["server-key"]}, {**held, "key": keys["caller-sealed"], "passphrase": "no"}):
        message = ask(engine, guarded, "127.0.0.1", wrong).error.message
        assert message == "The certificate and key of the SSL credential do not go together"
    assert "not a certificate" in ask(engine, guarded, "127.0.0.1", {**held, "ca": "nonsense"}).error.message
