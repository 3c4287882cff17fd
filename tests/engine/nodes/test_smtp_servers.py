"""Send Email and servers that ask for a password, repeat it, or do not end: the password stays secret, the run ends."""

import asyncio
import base64
import contextlib
import json
from email.message import EmailMessage

import pytest
from aiosmtplib import SMTPAuthenticationError

from app.engine.nodes.send_email import smtp
from app.engine.nodes.shared.connection_errors import UNSAID, hide_password
from app.engine.run.errors import NodeError
from app.outgoing.addresses import AddressRules
from tests.engine.nodes.postbox import Postbox, answers, send
from tests.engine.running import Engine


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
