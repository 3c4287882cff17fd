"""Send Email against a real SMTP server: what arrives, what the item says, and what is refused."""

import asyncio
import base64
import contextlib
import email
import email.policy
import json
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from aiosmtplib import SMTPAuthenticationError

from app.engine.nodes.send_email import smtp
from app.engine.nodes.shared.connection_errors import UNSAID, hide_password
from app.engine.run.errors import NodeError
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


def test_html_arrives_as_it_was_written(engine: Engine, postbox) -> None:
    box, held = postbox
    [answer] = answers(send(engine, held, {"html": "<b>hé</b>", "options": {}}))
    [(sender, recipients, message)] = box.received
    assert (sender, recipients) == ("me@a.example", ["you@b.example", "two@b.example"])
    assert (message["subject"], message["from"], message["to"]) == ("Hällo", "Me <me@a.example>", MAIL["toEmail"])
    assert message.get_content_type() == "text/html"
    assert message.get_content().strip() == "<b>hé</b>"
    assert answer["accepted"] == recipients
    assert answer["rejected"] == []
    assert answer["envelope"] == {"from": sender, "to": recipients}
    assert answer["response"].startswith("250 ")
    assert answer["messageId"] == message["message-id"]


def test_both_formats_copies_and_attachments(engine: Engine, postbox) -> None:
    box, held = postbox
    options = {
        "ccEmail": "cc@b.example",
        "bccEmail": "bcc@b.example",
        "replyTo": "r@b.example",
        "attachments": "data, more",
    }
    file = {"data": "aGVsbG8=", "mimeType": "text/plain", "fileName": "a.txt"}
    parameters = {"emailFormat": "both", "text": "plain", "html": "<i>h</i>", "options": options}
    send(engine, held, parameters, items=[{"json": {}, "binary": {"data": file, "more": file}}])
    [(_, recipients, message)] = box.received
    assert recipients[2:] == ["cc@b.example", "bcc@b.example"]
    assert (message["cc"], message["reply-to"], message["bcc"]) == ("cc@b.example", "r@b.example", None)
    assert message.get_body(["plain"]).get_content().strip() == "plain"
    assert message.get_body(["html"]).get_content().strip() == "<i>h</i>"
    # In the HTML, which may show it as cid:data.
    _, html = message.iter_parts()
    assert [message.get_content_type(), html.get_content_type()] == ["multipart/alternative", "multipart/related"]
    attachment, more = html.iter_attachments()
    assert more["content-id"] == "<more>"
    assert attachment.get_content_disposition() == "attachment"
    assert (attachment.get_filename(), attachment.get_content(), attachment["content-id"]) == (
        "a.txt",
        "hello",
        "<data>",
    )


@pytest.mark.parametrize(
    ("version", "parameters", "kind"),
    [
        (1, {"text": "t", "html": "<p>"}, "multipart/alternative"),
        (1, {"text": "t"}, "text/plain"),
        (2, {"text": "t", "html": "<p>"}, "text/plain"),
        (2.1, {"text": "t", "html": "<p>"}, "text/html"),
    ],
)
def test_each_version_has_its_default_format(engine: Engine, postbox, version: float, parameters, kind: str) -> None:
    box, held = postbox
    send(engine, held, parameters, version)
    assert box.received[0][2].get_content_type() == kind


def test_a_refused_recipient_is_told(engine: Engine, postbox) -> None:
    _, held = postbox
    sentence = "Can't send mail - all recipients were rejected: 550 no such user"
    outcome = send(engine, held, {"toEmail": "bad@b.example", "html": "x"})
    assert (outcome.status, outcome.error.message) == ("error", sentence)
    outcome = send(engine, held, {"toEmail": "bad@b.example", "html": "x"}, onError="continueRegularOutput")
    assert answers(outcome) == [{"error": sentence}]


def test_some_refused_recipients_are_told_with_the_item(engine: Engine, postbox) -> None:
    box, held = postbox
    [answer] = answers(
        send(engine, held, {"toEmail": "bad@b.example, nobody, you@b.example", "html": "", "subject": ""})
    )
    said = {"response": "550 no such user", "responseCode": 550}
    told = {"code": "EENVELOPE", **said, "command": "RCPT TO", "recipient": "bad@b.example"}
    assert (answer["accepted"], answer["rejected"]) == (["you@b.example"], ["bad@b.example"])
    assert answer["rejectedErrors"] == [told]
    assert "SMTPUTF8" in answer["ehlo"]
    assert 0 <= answer["envelopeTime"] < 60_000
    [(_, _, message)] = box.received
    assert (message["to"], message["subject"]) == ("bad@b.example, you@b.example", None)
    assert message.get_content_type() == "text/plain"


@pytest.mark.parametrize(
    ("version", "parameters", "said"),
    [
        (2.1, {"options": {"attachments": "none"}}, ("NodeApiError", "The item has no binary field 'none' [item 0]")),
        (1, {"attachments": "none"}, ("NodeOperationError", "The item has no binary field 'none' [item 0]")),
        (2.1, {"toEmail": "nobody"}, ("NodeApiError", "No recipients defined")),
    ],
)
def test_a_mail_that_cannot_be_made_is_told(engine: Engine, postbox, version: float, parameters, said) -> None:
    box, held = postbox
    file = {"data": "aGVsbG8=", "mimeType": "text/plain", "fileName": "a.txt"}
    outcome = send(engine, held, {"html": "x", **parameters}, version, items=[{"json": {}, "binary": {"data": file}}])
    error = outcome.data["resultData"]["error"]
    assert ((error["name"], error["message"]), box.received) == (said, [])


def test_a_line_break_makes_no_header(engine: Engine, postbox) -> None:
    box, held = postbox
    send(
        engine,
        held,
        {"subject": "a\r\nBcc: evil@b.example", "fromEmail": "Me\r\nX-Evil: 1 <me@a.example>", "html": "x"},
    )
    for _, recipients, message in box.received:
        assert "evil@b.example" not in recipients
        assert message["bcc"] is None
        assert message["x-evil"] is None


def test_it_logs_in_and_keeps_the_password_to_itself(engine: Engine, postbox) -> None:
    box, held = postbox
    assert send(engine, {**held, "user": "ann", "password": "s3cret"}, {"html": "x"}).status == "success"
    outcome = send(engine, {**held, "user": "ann", "password": "wr0ng-one"}, {"html": "x"})
    assert outcome.status == "error"
    assert "wr0ng-one" not in json.dumps(outcome.data)
    assert len(box.received) == 1


@pytest.mark.parametrize("password", ["e", "invalid", "535"])
def test_what_is_left_of_an_error_does_not_say_the_password(password: str) -> None:
    """Masked in `535 Authentication credentials invalid`, a letter or a word would be told by what is around it."""
    error = SMTPAuthenticationError(535, "535 Authentication credentials invalid")
    assert smtp.failure(error, {"password": password}).message == f"535 {UNSAID}"
    assert smtp.failure(error, {"password": "another"}).message == "535 535 Authentication credentials invalid"
    assert smtp.failure(OSError("535 is invalid here"), {"password": password}).message == UNSAID


def test_no_answer_of_the_server_tells_the_password(engine: Engine, postbox) -> None:
    """A server can repeat what it got in any of its answers, also as it got it: in Base64."""
    box, held = postbox
    login = base64.b64encode(b"\0ann\0s3cret").decode()

    async def refuse(server, session, envelope, address, options):
        if address == "you@b.example":
            return await Postbox.handle_RCPT(box, server, session, envelope, address, options)
        return f"550 not for {login}"

    async def keep(server, session, envelope):
        return "250 kept s3cret"

    async def greet(server, session, envelope, hostname, responses):
        session.host_name = hostname
        return [*responses[:-1], f"250-X-{login}", responses[-1]]

    box.handle_RCPT, box.handle_DATA, box.handle_EHLO = refuse, keep, greet
    [answer] = answers(send(engine, {**held, "user": "ann", "password": "s3cret"}, {"html": "x"}))
    assert answer["response"] == f"250 {UNSAID}"
    assert answer["rejectedErrors"][0]["response"] == f"550 {UNSAID}"
    assert UNSAID in answer["ehlo"]
    assert "SMTPUTF8" in answer["ehlo"]


@pytest.mark.parametrize("before", ["", "a", "ab", "user="])
@pytest.mark.parametrize("password", ["s3cret", 'a "quote', "pässword"])
def test_a_password_is_known_in_each_form_that_is_sent(password: str, before: str) -> None:
    encoded = base64.b64encode(f"{before}{password}\1".encode()).decode()
    escaped = password.replace('"', '\\"')
    for said in (f"no {encoded}", f'no "{escaped}"', f"no {password}"):
        assert hide_password(said, password) == UNSAID
    assert hide_password("no such user", password) == "no such user"


def test_an_inner_server_is_refused_unless_it_is_named(engine: Engine, postbox) -> None:
    box, held = postbox
    outcome = send(engine, held, {"html": "x"}, allowed="")
    assert "EXECUTIONS_ALLOWED_HOSTS" in outcome.error.message
    assert box.received == []


@pytest.mark.parametrize("wide", [True, False])
def test_an_address_beyond_ascii_goes_to_a_server_that_takes_it(engine: Engine, postbox, wide: bool) -> None:
    box, held = postbox
    held["controller"].SMTP_kwargs["enable_SMTPUTF8"] = wide
    outcome = send(engine, held, {"toEmail": "Jürgen <jürgen@bücher.example>", "html": "x", "options": {}})
    if not wide:
        assert "SMTPUTF8" in outcome.error.message
        return
    [(_, recipients, message)] = box.received
    assert recipients == ["jürgen@xn--bcher-kva.example"]
    assert message["to"] == "Jürgen <jürgen@xn--bcher-kva.example>"
    assert answers(outcome)[0]["accepted"] == recipients


def test_a_stop_waits_for_no_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "SECONDS", 2.0)
    said: list[bytes] = []

    async def send_in_vain() -> None:
        asked, over = asyncio.Event(), asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 hello\r\n")
            while line := await reader.readline():
                said.append(line[:4])
                if line.startswith(b"EHLO"):
                    writer.write(b"250 hello\r\n")
                else:
                    asked.set()
            writer.close()
            over.set()

        async def send_one(port: int) -> None:
            held = {"host": "127.0.0.1", "port": port, "secure": False, "disableStartTls": True}
            async with smtp.server(held, AddressRules.parse("127.0.0.1"), verify=True) as connection:
                await smtp.send(connection, EmailMessage(), "a@a.example", ["b@b.example"])

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            sending = asyncio.create_task(send_one(server.sockets[0].getsockname()[1]))
            await asked.wait()
            sending.cancel()
            await asyncio.wait([sending])
            await over.wait()

    asyncio.run(send_in_vain())
    assert said == [b"EHLO", b"MAIL"]


@pytest.mark.parametrize(
    ("begin", "again", "said"),
    [
        (b"", b"2", "Timed out"),
        (b"220 hello\r\n", b"250-A\r\n", "Timed out"),
        (b"", b"220-hello\r\n" * 10_000, "Response too long"),
        (b"220 hello\r\n", b"250-hello" * 10_000, "Response too long"),
    ],
    ids=["greeting drops", "answer drops", "greeting without end", "line without end"],
)
def test_a_server_without_an_end_is_left(
    begin: bytes, again: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "SECONDS", 1.0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(begin)
            while True:
                writer.write(again)
                await writer.drain()
                await asyncio.sleep(0.01)

    async def connect() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            held = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1], "secure": False}
            async with smtp.server(held, AddressRules.parse("127.0.0.1"), verify=True):
                pytest.fail("it has let us in")

    with pytest.raises(NodeError, match=said):
        asyncio.run(connect())
