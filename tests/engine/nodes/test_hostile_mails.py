"""Mails that were written so that whoever reads them never ends, or fails: anybody may send one."""

import base64
import time

import pytest

from app.engine.nodes.email_read_imap import messages
from app.engine.nodes.email_read_imap.encoded_words import decode_words
from app.engine.nodes.email_read_imap.messages import Unreadable, addresses, read_message, resolved_item, simple_item

NESTED = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Re: =?utf-8?q?a_=C3=BC?= and =?iso-8859-1?B?/A==?=!", "Re: a \u00fc and \u00fc!"),
        ("=?utf-8?b?w7w?= =?utf-8*de?B?w7w=?=", "\u00fc\u00fc"),  # without its padding, with a language
        ("=?utf-8?q?=C3?=\r\n =?utf-8?q?=BC?=", "\u00fc"),  # a character in two words
        ("=?utf-8?q?a b?=", "a b"),
        ("=?nonsense?q?a?= =?idna?q?a?=", "=?nonsense?q?a?= =?idna?q?a?="),
        ("=?utf-8?q?=FF?=", "=?utf-8?q?=FF?="),
        ("=?utf-8?b?!?= =?utf-8?b?w?=", "=?utf-8?b?!?= =?utf-8?b?w?="),
        ("=?utf-8?q?open", "=?utf-8?q?open"),
    ],
)
def test_encoded_words(text: str, expected: str) -> None:
    assert decode_words(text) == expected


@pytest.mark.parametrize("piece", ["=?a?q?", "=?", "=?utf-8?q?x?=", "=?utf-8?q?x?= ", "=?a?q?x?= =?b?q?", "=?a?q? "])
def test_encoded_words_are_read_in_a_time_that_grows_with_their_number(piece: str) -> None:
    def seconds(number: int) -> float:
        begun = time.process_time()
        decode_words(piece * number)
        return time.process_time() - begun

    few = min(seconds(500) for _ in range(3))
    assert min(seconds(4_000) for _ in range(3)) < 30 * few + 0.1  # eight times as many; squared 64 times


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: " + b"a" * messages.MAX_HEAD_BYTES,
        b"".join(NESTED % (n, n) for n in range(900)) + b"\n" * 20_000,
        b"".join(NESTED % (n, n) for n in range(100)) + b"\r" * 200_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 2_000,
        b"Subject: a\r\n\r\n" + b"\n" * messages.MAX_LINES,
        b"Subject: a\r\n\r\n" + b"\r" * messages.MAX_LINES,
        NESTED % (1, 1) + b"\r\n\r\n--b1" * messages.MAX_BUILT,
        b"Content-Type: message/delivery-status\r\n\r\n" + b"\r\n" * messages.MAX_BUILT,
    ],
    ids=["head", "boundaries", "lines ended otherwise", "nested", "lines", "other lines", "parts", "blocks"],
)  # fmt: skip
def test_a_mail_without_an_end_is_not_read(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read_message(content)


def test_a_table_of_many_short_lines_is_read() -> None:
    rows = b"1,boundary\r\n" * 100 + b"1,2\r\n" * 600_000
    head = b"Content-Type: text/csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n"
    item = simple_item(NESTED % (1, 1) + head + rows + b"\r\n--b1--\r\n", prefix="a")
    assert base64.b64decode(item["binary"]["a0"]["data"]) == rows


def test_of_headers_with_parameters_the_beginning_is_read() -> None:
    """The time for a quoted text of semicolons grows with the square of their number."""
    content = b'Content-Type: text/plain; a="' + b";" * 200_000 + b'"\r\n\r\nHello'
    assert len(read_message(content)["content-type"]) == 1_000
    assert simple_item(content, prefix="a")["json"]["textPlain"] == "Hello"


@pytest.mark.parametrize("sender", ["(" * 5_000, "a:" * 5_000, "<" * 5_000, '"' * 5_001, "\\" * 5_000])
def test_addresses_that_are_none(sender: str) -> None:
    assert [each for each in addresses(sender)["value"] if "@" in each["address"]] == []
    assert resolved_item(f"From: {sender}\r\n\r\nHello".encode(), prefix="a")["json"]["text"] == "Hello"


def test_headers_that_the_library_trips_over() -> None:
    parameters = b"Content-Type: text/plain; a*; a*1\r\nContent-Disposition: inline; a*; a*1\r\n"
    content = b"To: \xff <a@b.example>\r\n" + parameters + b"\r\nHello"
    assert resolved_item(content, prefix="a")["json"]["to"]["value"] == [{"address": "a@b.example", "name": "\ufffd"}]
    assert simple_item(content, prefix="a")["json"]["textPlain"] == "Hello"
