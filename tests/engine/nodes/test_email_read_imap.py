"""Email Trigger (IMAP) against a local server: items in each format, marks, numbers kept, connections that break."""

import asyncio
import threading
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest

from app.engine.nodes.email_read_imap import email_read_imap, mailbox
from app.engine.nodes.email_read_imap.criteria import read_criteria
from app.engine.nodes.email_read_imap.email_read_imap import listen
from app.engine.nodes.email_read_imap.messages import MAX_HEAD_BYTES
from app.engine.nodes.shared.connection_errors import UNSAID
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.parsing import parse_workflow
from app.engine.run.ports import Ports
from app.engine.run.state import RunState
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.nodes import imap_server
from tests.patience import PATIENCE_SECONDS
from tests.workflows import node, workflow


def mail(number: int, *, rich: bool = False) -> bytes:
    made = EmailMessage()
    made["From"] = "Ann Sender <ann@x.example>"
    made["To"] = "Bob <bob@y.example>, c@z.example"
    made["Subject"] = f"Hello {number} ü"
    made["Date"] = "Sat, 28 Nov 2026 10:00:00 +0100"
    made["Message-ID"] = f"<m{number}@x.example>"
    made["X-Custom"] = "c1"
    made.set_content("Plain text\nsecond line ü\n", cte="8bit")
    if rich:
        made.add_alternative("<p>Html <b>ü</b></p>", subtype="html")
        made.add_attachment("a,b\n1,2\n", subtype="csv", filename="t ü.csv")
    return made.as_bytes().replace(b"\n", b"\r\n")


class Listener:
    """The node on its own: what it has emitted, and what it keeps."""

    def __init__(self, engine, box: imap_server.Box, version: float = 2.1, allowed: str = "127.0.0.1", **parameters):
        self.given = node("Mail", "emailReadImap", parameters, version, credentials={"imap": {"id": "1"}})
        self.box, self.engine, self.allowed = box, engine, allowed
        self.emitted: list[list[dict[str, Any]]] = []
        self.kept: dict[str, Any] = {}
        self.seen_at_emit: list[set[int]] = []

    async def run(self, until) -> None:
        """Listen until something has come to pass."""

        async def read(credential_id: str, kind: str) -> dict[str, Any]:
            return {"user": "ann", "password": "secret", "host": "127.0.0.1", "port": self.box.port, "secure": False}

        async def emit(outputs) -> None:
            self.seen_at_emit.append(set(self.box.seen))
            self.emitted += outputs

        ports = Ports(credentials=read, outgoing=Outgoing(AddressRules.parse(self.allowed)))
        state = RunState(parse_workflow(workflow([self.given]), self.engine.types))
        state.static_data.parts.update(self.kept)
        context = NodeContext(
            state.graph.nodes["Mail"], [[{"json": {}}]], None, 0, state, self.engine.sandbox,
            ExecutionInfo("", "trigger", ports),
        )  # fmt: skip
        task = asyncio.ensure_future(listen(context, emit))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (until() or task.done()):
                await asyncio.sleep(0.01)
        task.cancel()
        self.kept = state.static_data.changes() or self.kept
        [ended] = await asyncio.gather(task, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended


def test_what_is_there_and_what_comes_is_emitted_once_and_then_marked(engine) -> None:
    with imap_server.running() as box:
        box.put(mail(1))
        box.put(mail(2))
        listener = Listener(engine, box)

        def next_one() -> bool:
            if len(box.seen) == 2 and len(box.mails) == 2:
                box.put(mail(3))
            return len(box.seen) == 3

        engine.wait_for(listener.run(next_one))
        assert [[item["json"]["subject"] for item in items] for items in listener.emitted] == [
            ["Hello 1 ü", "Hello 2 ü"],
            ["Hello 3 ü"],
        ]
        assert listener.seen_at_emit == [set(), {1, 2}], "marked only when it is recorded"
        assert listener.kept == {"node:Mail": {"lastMessageUid": 3, "uidValidity": 7}}
        box.seen.clear()
        box.put(mail(4))
        engine.wait_for(listener.run(lambda: len(listener.emitted) == 3))
        assert [item["json"]["subject"] for item in listener.emitted[2]] == ["Hello 4 ü"], "it goes on where it was"
        assert "UID 4:*" in box.searches[-1]


def test_a_mail_that_comes_while_others_are_marked_is_taken_at_once(engine) -> None:
    with imap_server.running() as box:
        box.put(mail(1))
        box.at_store = lambda: box.put(mail(2)) if len(box.mails) == 1 else None  # type: ignore[method-assign]
        listener = Listener(engine, box)
        engine.wait_for(listener.run(lambda: len(listener.emitted) == 2))
        assert listener.emitted[1][0]["json"]["subject"] == "Hello 2 ü"


def test_a_server_that_tells_of_nothing_is_asked_from_time_to_time(engine, monkeypatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        box.put(mail(2))

    monkeypatch.setattr(email_read_imap, "asyncio", SimpleNamespace(sleep=sleep))
    with imap_server.running() as box:
        box.idles = False
        box.put(mail(1))
        listener = Listener(engine, box)
        engine.wait_for(listener.run(lambda: len(listener.emitted) >= 2))
        assert pauses[0] == email_read_imap.LOOK_SECONDS


def test_each_format(engine) -> None:
    with imap_server.running() as box:
        box.put(mail(1, rich=True))

        def item(**parameters: Any) -> dict[str, Any]:
            listener = Listener(engine, box, postProcessAction="nothing", **parameters)
            engine.wait_for(listener.run(lambda: listener.emitted))
            assert box.seen == set()
            return listener.emitted[0][0]

        simple = item(downloadAttachments=True)
        assert simple["json"] == {
            "textHtml": "<p>Html <b>ü</b></p>\r\n",
            "textPlain": "Plain text\r\nsecond line ü\r\n",
            "metadata": {
                "message-id": "<m1@x.example>",
                "x-custom": "c1",
                "mime-version": "1.0",
                "content-type": simple["json"]["metadata"]["content-type"],
            },
            "from": "Ann Sender <ann@x.example>",
            "to": "Bob <bob@y.example>, c@z.example",
            "subject": "Hello 1 ü",
            "date": "Sat, 28 Nov 2026 10:00:00 +0100",
            "attributes": {"uid": 1},
        }
        file = simple["binary"]["attachment_0"]
        assert (file["mimeType"], file["fileName"], file["fileSize"]) == ("text/csv", "t ü.csv", "10 B")
        assert "binary" not in item()
        assert "attributes" not in item(version=1)["json"]

        resolved = item(format="resolved", dataPropertyAttachmentsPrefixName="file")
        json = resolved["json"]
        assert json["headers"]["x-custom"] == "X-Custom: c1"
        assert (json["text"], json["html"]) == ("Plain text\nsecond line ü\n", "<p>Html <b>ü</b></p>\n")
        assert json["textAsHtml"] == "<p>Plain text<br/>second line &uuml;</p>"
        assert (json["date"], json["messageId"]) == ("2026-11-28T09:00:00.000Z", "<m1@x.example>")
        assert json["to"]["value"] == [
            {"address": "bob@y.example", "name": "Bob"},
            {"address": "c@z.example", "name": ""},
        ]
        assert json["from"]["text"] == '"Ann Sender" <ann@x.example>'
        assert json["from"]["html"].startswith('<span class="mp_address_group"><span class="mp_address_name">Ann')
        assert set(resolved["binary"]) == {"file0"}
        raw = item(format="raw")["json"]["raw"]
        assert raw.startswith("--===")
        assert "Plain text\r\n" in raw


def test_what_goes_wrong_is_said_without_the_password(engine) -> None:
    with imap_server.running() as box:
        with pytest.raises(NodeError, match="not allowed: it is a loopback address"):
            engine.wait_for(Listener(engine, box, allowed="").run(lambda: False))
        box.password = "another"
        with pytest.raises(NodeError, match=f"refused the login: {UNSAID}") as refused:
            engine.wait_for(Listener(engine, box).run(lambda: False))
        assert "wrong" not in str(refused.value), "the server repeats the password in what it says"
        box.password = "secret"
        with pytest.raises(NodeError, match="server has failed"):
            engine.wait_for(Listener(engine, box).run(lambda: box.searches and box.clients and box.cut()))


def test_no_more_is_kept_of_what_a_server_says_than_an_answer_has(engine, monkeypatch) -> None:
    monkeypatch.setattr(mailbox, "MAX_LINES_BYTES", 10_000)
    with imap_server.running() as box:
        box.chatter = b"* OK and so on\r\n" * 150
        with pytest.raises(NodeError, match="too many for an answer"):
            engine.wait_for(Listener(engine, box).run(lambda: False))


def test_an_answer_in_too_many_levels_is_a_sentence(engine) -> None:
    with imap_server.running() as box:
        box.put(mail(1))
        box.chatter = b"* 1 FETCH " + b"(" * 5_000 + b"\r\n"
        with pytest.raises(NodeError, match="nested too deeply"):
            engine.wait_for(Listener(engine, box).run(lambda: False))


@pytest.mark.parametrize(
    ("fetched", "said"),
    [
        ("RFC822.SIZE secret", UNSAID),
        ("RFC822.SIZE abc", "invalid literal"),
        ("RFC822.SIZE NIL", "cannot be read"),
        ("ENVELOPE (a b)", "cannot be read"),
        ("ENVELOPE secret", "cannot be read"),
    ],
)
def test_an_answer_of_another_shape_is_a_sentence_without_the_password(engine, fetched: str, said: str) -> None:
    with imap_server.running() as box:
        box.put(mail(1))
        box.sizes = f"UID 1 {fetched}"
        with pytest.raises(NodeError, match=said) as failed:
            engine.wait_for(Listener(engine, box).run(lambda: False))
        assert "secret" not in str(failed.value)


def test_reading_that_is_stopped_ends_though_no_answer_is_waited_for(engine) -> None:
    begun, ended, cut = threading.Event(), threading.Event(), threading.Event()

    def read() -> None:
        begun.set()
        try:
            while True:
                sum(range(100))
        finally:
            ended.set()

    async def stop() -> None:
        in_thread = mailbox.OwnThread(SimpleNamespace(abort=cut.set))  # type: ignore[arg-type]
        task = asyncio.create_task(in_thread(read))
        await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
        task.cancel()
        await asyncio.wait([task])
        assert await asyncio.to_thread(ended.wait, PATIENCE_SECONDS)

    engine.wait_for(stop())
    assert cut.is_set()


def test_reading_that_takes_too_long_is_cut_short_however_often_something_comes(engine, monkeypatch) -> None:
    monkeypatch.setattr(mailbox, "WORK_SECONDS", 0.05)
    cut = threading.Event()
    in_thread = mailbox.OwnThread(SimpleNamespace(abort=cut.set))  # type: ignore[arg-type]

    def read() -> None:
        while not cut.wait(0.005):
            pass

    with pytest.raises(NodeError, match=r"it took longer than 0\.05 seconds"):
        engine.wait_for(in_thread(read))
    assert cut.is_set()


def test_a_mail_that_cannot_be_read_keeps_no_other_one_waiting(engine) -> None:
    with imap_server.running() as box:
        box.put(b"Subject: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n")
        box.put(mail(2))
        listener = Listener(engine, box)
        engine.wait_for(listener.run(lambda: box.seen >= {1, 2}))
        refused, read = [item["json"] for items in listener.emitted for item in items]
        assert "not read: its headers have more than 262,144 bytes" in refused["error"]
        assert read["subject"] == "Hello 2 \u00fc"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", "['UNSEEN']"),
        ('["UNSEEN", "!FLAGGED"]', "['UNSEEN', 'NOT', 'FLAGGED']"),
        ('[["SINCE", "May 20, 2024"]]', "['SINCE', datetime.date(2024, 5, 20)]"),
        ('[["OR", "SEEN", ["FROM", "ann"]]]', "['OR', ['SEEN'], ['FROM', 'ann']]"),
        ('[["!HEADER", "X-A", "b"]]', "['NOT', 'HEADER', 'X-A', 'b']"),
    ],
)
def test_custom_rules(rules: str, expected: str) -> None:
    assert str(read_criteria(rules)) == expected


@pytest.mark.parametrize("rules", ["[", '{"a": 1}', '[["SINCE", "some day"]]', '["A\\r\\nB LOGOUT"]', "[[]]", "[7]"])
def test_rules_that_are_none(rules: str) -> None:
    with pytest.raises(NodeError, match="Custom email config"):
        read_criteria(rules)
