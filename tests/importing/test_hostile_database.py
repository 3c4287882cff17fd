"""A source that sends what n8n's PostgreSQL never does: memory stays bounded, and a sentence says what is wrong."""

from collections.abc import Callable
from contextlib import closing

import pytest

from app.importing.n8n import counted_connection
from app.importing.n8n.files_of_runs import RunFiles
from app.importing.n8n.postgresql import PostgresqlSource
from app.importing.n8n.source import SourceError
from tests.engine.nodes.postgres_server import NOTICE, NOTIFICATION, TEXT, answering, message, one_row

ROW = message(b"D", b"\0\1\0\0\xea\x60" + b"x" * 60_000)
READY = message(b"Z", b"T")
PASSWORD = message(b"E", b"SERROR\0C42601\0Mno s3cret here\0\0") + READY
LONG = message(b"E", b"SERROR\0C42601\0Mno\n" + b"x" * 25_000 + b"\0\0") + READY
TOO_MUCH = "The server sends more than any answer takes"


def open_source(port: int) -> None:
    address = f"postgresql://user:s3cret@127.0.0.1:{port}/n8n?sslmode=disable&gssencmode=disable"
    with closing(PostgresqlSource(address, RunFiles(None, 0))):
        pass


@pytest.mark.parametrize(
    "answer",
    [
        message(b"D", b"x" * 60_000, length=900 * 2**20),
        message(b"E", b"SERROR\0M" + b"x" * 60_000, length=900 * 2**20),
        one_row(TEXT, b"x")[:-20] + ROW * 50,
        NOTICE,
        NOTIFICATION,
    ],
    ids=["row", "error", "rows", "notices", "notifications"],
)
def test_what_has_no_end_is_left(answer: bytes, monkeypatch) -> None:
    monkeypatch.setattr(counted_connection, "AT_ONCE_BYTES", 2**20)
    with answering(answer, again=1_000_000) as port, pytest.raises(SourceError, match=TOO_MUCH):
        open_source(port)


def after_connecting(answer: bytes) -> Callable[[bytes], bytes]:
    """What a server says that opens a transaction, and then this."""

    def say(asked: bytes) -> bytes:
        if b"information_schema" in asked:
            return message(b"1") + message(b"2") + answer
        return one_row(TEXT, b"0")[:-6] + READY if b"set_config" in asked else message(b"C", b"BEGIN\0") + READY

    return say


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (PASSWORD, "cannot be read to its end: What the server says is not shown"),
        (LONG, r"cannot be read to its end: no x{997}$"),
        (one_row(TEXT, b"x"), "does not answer what it was asked: is it a PostgreSQL"),
        (one_row(TEXT, b"x", b"\xff"), "does not answer what it was asked: is it a PostgreSQL"),
    ],
    ids=["password", "long", "columns", "name"],
)
def test_an_odd_answer_is_one_sentence(answer: bytes, said: str) -> None:
    with answering(after_connecting(answer)) as port, pytest.raises(SourceError, match=said):
        open_source(port)


def test_a_server_that_opens_no_transaction_cannot_be_reached() -> None:
    with answering(PASSWORD) as port, pytest.raises(SourceError, match="n8n's database cannot be reached: "):
        open_source(port)


@pytest.mark.parametrize("drop", [b"", NOTICE[:5]], ids=["nothing", "drops"])
def test_an_answer_that_hardly_comes_is_given_up(drop: bytes, monkeypatch) -> None:
    monkeypatch.setattr(counted_connection, "ANSWER_SECONDS", 0.05)
    with (
        answering(drop) as port,
        pytest.raises(SourceError, match=r"sent no more of an answer in 0 seconds than \d bytes"),
    ):
        open_source(port)
