"""The body of an HTTP answer, as nodes hand it on."""

import codecs
from typing import Any

import orjson

from app import large_json
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert
from app.outgoing.calls import Answer
from app.outgoing.charsets import charset_of


def body_of(answer: Answer, *, parse: bool = True) -> Any:
    """The body as text, or as what its JSON says where it is JSON and that is wanted."""
    if not parse:
        return answer.text()
    try:
        return json_of(answer)
    except CannotConvert:
        return answer.text()


def json_of(answer: Answer) -> Any:
    """What the JSON of the body says; its text, which may take four times its bytes, is made only where it has to be.

    Raises CannotConvert.
    """
    if charset_of(answer.content, answer.charset) == "utf-8":
        try:
            return large_json.read(answer.content.removeprefix(codecs.BOM_UTF8))
        except orjson.JSONDecodeError:
            pass  # its bytes may be no UTF-8, and what the text has in place of them may be JSON
    return conversions.parse_json(answer.text())
