"""An SMTP server on this machine, what it has received, and Send Email runs that send to it."""

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from app.engine.run.ports import Ports
from app.engine.run.run import RunOutcome
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.running import Engine
from tests.workflows import START, chain, node

MAIL = {"fromEmail": "Me <me@a.example>", "toEmail": "you@b.example, Two <two@b.example>", "subject": "Hällo"}


class Postbox:
    """Keeps what it is sent; refuses addresses that begin with `bad`."""

    def __init__(self) -> None:
        self.received: list[tuple[str, list[str], EmailMessage]] = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("bad"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.received.append((envelope.mail_from, envelope.rcpt_tos, message))
        return "250 OK: queued"


class PostboxController(Controller):
    """On a port that the system chooses."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def check(server, session, envelope, mechanism, data) -> AuthResult:
    return AuthResult(success=data.login == b"ann" and data.password == b"s3cret", handled=False)


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, dict[str, Any]]]:
    box = Postbox()
    controller = PostboxController(box, "127.0.0.1", 0, authenticator=check, auth_require_tls=False)
    controller.start()
    held = {"host": "127.0.0.1", "port": controller.port, "secure": False, "disableStartTls": True}
    yield box, {**held, "controller": controller}
    controller.stop()


def send(
    engine: Engine,
    held: dict[str, Any],
    parameters: dict[str, Any],
    version: float = 2.1,
    *,
    allowed: str = "127.0.0.1",
    items: list[Any] | None = None,
    **settings: Any,
) -> RunOutcome:
    async def read(credential_id: str, kind: str) -> dict[str, Any]:
        return held

    mail = node("Mail", "emailSend", {**MAIL, **parameters}, version, credentials={"smtp": {"id": "c1"}}, **settings)
    ports = Ports(credentials=read, outgoing=Outgoing(AddressRules.parse(allowed)))
    return engine.run(chain(START, mail), items=items, ports=ports)


def answers(outcome: RunOutcome) -> list[dict[str, Any]]:
    return [item["json"] for item in outcome.data["resultData"]["runData"]["Mail"][0]["data"]["main"][0]]
