"""What the Postgres node can reach, and which secrets of its worker no server gets from it."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.engine.nodes.shop import query, run
from tests.engine.running import Engine
from tests.patience import PATIENCE_SECONDS


def test_an_inner_address_is_refused_unless_it_is_named(engine: Engine, shop) -> None:
    _, held = shop
    outcome = run(engine, query("SELECT 1"), held, allowed="")
    assert "EXECUTIONS_ALLOWED_HOSTS" in outcome.error.message


def test_a_unix_socket_is_out_of_reach(engine: Engine) -> None:
    outcome = run(engine, query("SELECT 1"), {"host": "/var/run/postgresql"})
    assert "Unix sockets" in outcome.error.message


def test_a_password_is_not_in_the_error(engine: Engine, shop) -> None:
    _, held = shop
    outcome = run(engine, query("SELECT 1"), {**held, "user": "nobody-here", "password": "very-secret"})
    assert outcome.status == "error"
    assert "very-secret" not in json.dumps(outcome.data)


def test_the_worker_s_own_passwords_stay_with_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that asks for a password in clear text, and a credential that has none."""
    passwords = tmp_path / "pgpass"
    passwords.write_text("*:*:*:*:canary-file\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    monkeypatch.setenv("PGPASSWORD", "canary-variable")
    heard: list[bytes] = []

    def ask(listener: socket.socket) -> None:
        near, _ = listener.accept()
        with near, contextlib.suppress(OSError):
            near.recv(65536)
            near.sendall(b"R" + (8).to_bytes(4) + (3).to_bytes(4))
            heard.append(near.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        asking = threading.Thread(target=ask, args=(listener,), daemon=True)
        asking.start()
        outcome = run(engine, query("SELECT 1"), {"host": "127.0.0.1", "port": listener.getsockname()[1]})
        asking.join(10)
    assert outcome.status == "error"
    assert heard == [b""]


def asked_by(engine: Engine, held: dict[str, Any], serve: Callable[[socket.socket], Any]) -> tuple[Any, Any]:
    """What the node says of a server that does this with its connection, and what that returns."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:

        def accept() -> Any:
            near, _ = listener.accept()
            with near:
                return serve(near)

        seen_there = threads.submit(accept)
        outcome = run(engine, query("SELECT 1"), {"host": "127.0.0.1", "port": listener.getsockname()[1], **held})
        return outcome.error.message, seen_there.result(PATIENCE_SECONDS)


def test_the_worker_s_own_certificate_stays_with_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in the folder of who runs the worker, or that variables name, may open the database of the executions."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "worker")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    signed = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for variable, content in (("PGSSLCERT", signed), ("PGSSLKEY", key.private_bytes(*form))):
        (tmp_path / variable).write_bytes(content)
        (tmp_path / variable).chmod(0o600)
        monkeypatch.setenv(variable, str(tmp_path / variable))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=signed.decode())
    context.load_cert_chain(tmp_path / "PGSSLCERT", tmp_path / "PGSSLKEY")
    context.verify_mode = ssl.CERT_OPTIONAL

    def look(near: socket.socket) -> bytes | None:
        near.recv(8)
        near.sendall(b"S")
        with context.wrap_socket(near, server_side=True) as encrypted:
            encrypted.recv(65536)
            return encrypted.getpeercert(binary_form=True)

    assert asked_by(engine, {"allowUnauthorizedCerts": True}, look)[1] is None


def test_the_worker_s_kerberos_ticket_stays_with_it(engine: Engine) -> None:
    def ask_for_a_ticket(near: socket.socket) -> bytes:
        near.recv(65536)
        near.sendall(b"R" + (8).to_bytes(4) + (7).to_bytes(4))
        return near.recv(65536)

    message, heard = asked_by(engine, {}, ask_for_a_ticket)
    assert "authentication method requirement" in message
    assert heard == b""
