"""A name whose address changes once it was checked: mails, databases and packages go to what was checked."""

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from app.engine.nodes.postgres import session
from app.engine.run.ports import Ports
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from app.packages.network import OPEN, Network
from tests.engine.running import Engine
from tests.workflows import START, chain, node

NAME, CHECKED = "changing.example", "8.8.8.8"
MAIL = {"fromEmail": "a@b.example", "toEmail": "c@d.example", "subject": "x", "text": "y", "emailFormat": "text"}
QUERY = {"operation": "executeQuery", "query": "SELECT 1"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is looked up: the first answer is a public address, all others are this machine."""
    asked: list[str] = []

    def answer(host: str, port: int, *_: Any, flags: int = 0, **__: Any) -> list[Any]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (CHECKED if len(asked) == 1 else "127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where connections go to; none is made."""
    reached: list[str] = []

    async def sock_connect(self: Any, made: socket.socket, to: tuple[str, int]) -> None:
        reached.append(to[0])
        raise ConnectionRefusedError

    async def connect(parameters: dict[str, Any], *_: Any, **__: Any) -> None:
        reached.append(parameters["hostaddr"])
        raise psycopg.OperationalError

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", sock_connect)
    monkeypatch.setattr(session, "connect", connect)
    return reached


def from_node(kind: str, parameters: dict[str, Any], credential: str) -> Callable[[Engine], None]:
    def run(engine: Engine) -> None:
        async def read(*_: str) -> dict[str, Any]:
            return {"host": NAME, "port": 2525, "user": "u", "password": "secret", "database": "d"}

        asks = node("Node", kind, parameters, 2.1, credentials={credential: {"id": "c", "name": "c"}})
        ports = Ports(credentials=read, outgoing=Outgoing(AddressRules()))
        assert engine.run(chain(START, asks), items=[{"json": {}}], ports=ports).status == "error"

    return run


def from_package(engine: Engine) -> None:
    async def main() -> None:
        closed = asyncio.Event()
        network = Network(AddressRules())
        network.attach(lambda frame: closed.set())
        network.received(struct.pack(">IB", 1, OPEN) + json.dumps({"host": NAME, "port": 2525}).encode())
        await closed.wait()
        network.detach()

    asyncio.run(main())


WAYS = {
    "mail": from_node("emailSend", MAIL, "smtp"),
    "database": from_node("postgres", QUERY, "postgres"),
    "package": from_package,
}


@pytest.mark.parametrize("connect", WAYS.values(), ids=WAYS.keys())
def test_what_is_connected_to_is_the_address_that_was_checked(
    engine: Engine, asked: list[str], reached: list[str], connect: Callable[[Engine], None]
) -> None:
    connect(engine)
    assert (asked, reached) == ([NAME], [CHECKED])
