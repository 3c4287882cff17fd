"""What answers to HTTP Request take in memory."""

from dataclasses import replace

import pytest

from app.engine.nodes.http_request.answers import Reading, memory_of
from app.outgoing.calls import Answer


@pytest.mark.parametrize(
    ("charset", "size"), [("ISO-8859-1", 3_000), ("us-ascii", 5_000), ("koi8-r", 4_000), ("none such", 5_000)]
)
def test_the_text_of_an_answer_counts_as_its_charset_decodes_it(charset: str, size: int) -> None:
    """What cannot be decoded is replaced by a sign of two bytes, and of three in UTF-8."""
    answer = Answer(200, "OK", {"content-type": "text/plain"}, b"\xff" * 1_000, "http://a.example", charset)
    assert size <= memory_of(answer, Reading("text")) < size + 100
    plain = replace(answer, content=b"x" * 1_000)
    assert memory_of(plain, Reading("text")) < 1_100
