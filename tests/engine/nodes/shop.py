"""A database for the Postgres node, its server's port, and how a test asks it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.engine.run.meter import MAX_BYTES, Meter
from app.engine.run.ports import Ports
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.running import Engine
from tests.postgres import cloned_database
from tests.workflows import START, chain, node

SHOP = (Path(__file__).parent / "shop.sql").read_text()


def pump(source: socket.socket, target: socket.socket) -> None:
    with source, target, contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


@pytest.fixture(scope="module")
def shop(postgres_url: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A database, and what a credential for it holds: the test server listens on a Unix socket only, so that a
    port of this machine has to lead there."""
    with cloned_database(postgres_url) as url, socket.create_server(("127.0.0.1", 0)) as listener:
        parts = urlsplit(url)
        folder = parse_qs(parts.query)["host"][0] if "host=" in parts.query else parts.hostname or ""
        path = f"{folder}/.s.PGSQL.5432"

        def forward() -> None:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                far = socket.socket(socket.AF_UNIX)
                far.connect(path)
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

        threading.Thread(target=forward, daemon=True).start()
        port = listener.getsockname()[1]
        yield url, {"host": "127.0.0.1", "port": port, "user": "postgres", "database": parts.path.strip("/")}


def run(
    engine: Engine, workflow: dict[str, Any], held: dict[str, Any], allowed: str = "127.0.0.1", limit: int = MAX_BYTES
):
    async def read(credential_id: str, kind: str) -> dict[str, Any]:
        return held

    outgoing = Outgoing(AddressRules.parse(allowed))
    ports = Ports(credentials=read, outgoing=outgoing, meter=Meter(limit))
    return engine.run(workflow, mode="test", start_node="Start", ports=ports)


def query(text: str, **options: Any) -> dict[str, Any]:
    parameters = {"operation": "executeQuery", "query": text, "options": options}
    return chain(START, node("Ask", "postgres", parameters, 2.5, credentials={"postgres": {"id": "c1"}}))
