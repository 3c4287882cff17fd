"""The Postgres node's server is whoever the workflow names: it may send anything, and nothing."""

import asyncio
import itertools
import threading
from collections.abc import Iterator

import pytest

from app.engine.nodes.postgres import connecting, wire
from app.engine.nodes.postgres import session as session_module
from app.engine.nodes.postgres.session import QueryFailed, QueryResult, session
from app.engine.nodes.shared.connection_errors import UNSAID
from app.engine.run.errors import NodeError
from app.engine.run.meter import Meter, TooMuchData
from app.outgoing.addresses import AddressRules
from tests.engine.nodes.postgres_server import (
    BYTES,
    GREETING,
    INTEGERS,
    NOTICE,
    NOTIFICATION,
    NUMBER,
    TEXT,
    answering,
    message,
    one_row,
)
from tests.patience import PATIENCE_SECONDS


async def ask(port: int, meter: Meter, password: str = "") -> list[QueryResult]:
    credential = {"host": "127.0.0.1", "port": port, "password": password}
    async with session(credential, AddressRules.parse("127.0.0.1"), hold=meter.add) as opened:
        return await opened.run("SELECT 1")


@pytest.mark.parametrize(
    "answer",
    [
        message(b"D", b"x" * 60_000, length=900 * 2**20),
        message(b"E", b"SERROR\0M" + b"x" * 60_000, length=900 * 2**20),
        NOTICE,
        NOTIFICATION,
    ],
    ids=["row", "error", "notices", "notifications"],
)
def test_what_arrives_counts_before_it_is_anything(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr(wire, "STEP_SECONDS", PATIENCE_SECONDS)  # libpq sets much aside: a full machine takes long
    with answering(answer, again=1_000_000) as port, pytest.raises(TooMuchData):
        asyncio.run(ask(port, Meter(4 * 2**20)))


def test_a_complaint_does_not_repeat_the_password() -> None:
    complaint = message(b"E", b"SERROR\0C42601\0Mno s3cret here\0Dnor s3cret there\0\0") + message(b"Z", b"I")
    with answering(complaint) as port, pytest.raises(QueryFailed) as failed:
        asyncio.run(ask(port, Meter(), "s3cret"))
    assert (failed.value.message, failed.value.description) == (UNSAID, UNSAID)


@pytest.mark.parametrize("position", ["s3cret", "1e3", "9" * 5_000, "-5"])
def test_a_place_in_the_query_that_is_none(position: str) -> None:
    fields = b'SERROR\0C42601\0Msyntax error at or near "x"\0P' + position.encode() + b"\0\0"
    with answering(message(b"E", fields) + message(b"Z", b"I")) as port, pytest.raises(QueryFailed) as failed:
        asyncio.run(ask(port, Meter(), "s3cret"))
    assert failed.value.message == 'syntax error at or near "x"'


def test_a_server_says_little_before_it_lets_anybody_in() -> None:
    """libpq keeps each setting, in a list that it goes through for the next one."""
    settings = b"".join(message(b"S", b"setting%d\0v\0" % number) for number in range(10_000))
    with (
        answering(one_row(TEXT, b"x"), greeting=GREETING[:9] + settings + GREETING[9:]) as port,
        pytest.raises(NodeError, match="too much before it lets anybody in"),
    ):
        asyncio.run(ask(port, Meter()))


def test_a_proof_of_the_password_that_never_ends_holds_no_loop(monkeypatch: pytest.MonkeyPatch, beside) -> None:
    """A server says how many rounds it takes, and libpq computes them all in one step, in a place of its project."""
    end, connects = threading.Event(), connecting.generators.connect

    def never(conninfo: str) -> Iterator[None]:
        end.wait()
        yield

    monkeypatch.setattr(session_module, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(connecting, "MOST_AT_ONCE", 1)

    async def ask(port: int, project: str, timeout: float = PATIENCE_SECONDS) -> None:
        credential, rules = {"host": "127.0.0.1", "port": port}, AddressRules.parse("127.0.0.1").within(project)
        async with session(credential, rules, hold=Meter().add, timeout=timeout):
            pass

    async def ask_in_vain(port: int) -> None:
        monkeypatch.setattr(connecting.generators, "connect", never)
        with pytest.raises(NodeError, match="timeout"):
            await ask(port, "alpha", 0.05)
        monkeypatch.setattr(connecting.generators, "connect", connects)
        await ask(port, "beta")
        with pytest.raises(NodeError, match="timeout"):
            await ask(port, "alpha", 0.05)
        assert beside == ["_connect"] * 2
        end.set()
        await ask(port, "alpha")

    try:
        with answering(one_row(TEXT, b"x")) as port:
            asyncio.run(ask_in_vain(port))
    finally:
        end.set()


def test_a_server_whose_messages_take_long_to_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop of the worker stands still meanwhile."""
    clock = itertools.count()

    async def ask_slowly(port: int) -> None:
        credential = {"host": "127.0.0.1", "port": port}
        async with session(credential, AddressRules.parse("127.0.0.1"), hold=Meter().add) as opened:
            monkeypatch.setattr(wire, "thread_time", lambda: next(clock))
            await opened.run("SELECT 1")

    with answering(one_row(TEXT, b"x")) as port, pytest.raises(QueryFailed, match="takes too long to read"):
        asyncio.run(ask_slowly(port))


def test_what_has_arrived_counts_no_more_once_it_is_rows() -> None:
    meter = Meter(3 * 2**20)
    with answering(one_row(TEXT, b"x" * 2 * 2**20)) as port:
        [result] = asyncio.run(ask(port, meter))
    assert result.rows == [{"a": "x" * 2 * 2**20}]
    assert 2 * 2**20 < meter.used < 2.1 * 2**20


@pytest.mark.parametrize(
    ("answer", "row"),
    [
        (one_row(TEXT, b"\xff\xfe"), {"a": "\ufffd\ufffd"}),
        (one_row(TEXT, b"b", name=b"\xff"), {"\ufffd": "b"}),
        (one_row(BYTES, b"no bytes"), {"a": "no bytes"}),
        (one_row(INTEGERS, b"none"), {"a": "none"}),
        (one_row(INTEGERS, b"{1}}{2}"), {"a": "{1}}{2}"}),
        (one_row(INTEGERS, b"{" * 7), {"a": "{" * 7}),
        (one_row(INTEGERS, b"{" * 6 + b"1" + b"}" * 6), {"a": [[[[[[1]]]]]]}),
        (one_row(NUMBER, b""), {"a": ""}),
    ],
)
def test_values_that_are_none_are_texts(answer: bytes, row: dict[str, str]) -> None:
    with answering(answer) as port:
        assert asyncio.run(ask(port, Meter())) == [QueryResult([row])]


def test_a_stop_does_not_wait_for_a_server_that_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """psycopg by itself waits ten seconds for it to take the cancellation in, and then says so."""

    async def stop() -> None:
        with answering(message(b"N", b"SNOTICE\0C00000\0Mx\0\0")) as port:
            asking = asyncio.ensure_future(ask(port, meter := Meter()))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not meter.used:
                    await asyncio.sleep(0.01)
            asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled()

    asyncio.run(stop())
    assert "not terminated after cancellation" not in caplog.text
