"""The body of an HTTP answer, as nodes hand it on."""

from typing import Any

from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert
from app.outgoing.client import Answer


def body_of(answer: Answer, *, parse: bool = True) -> Any:
    """The body as text, or as what its JSON says where it is JSON and that is wanted."""
    text = answer.text()
    if not parse:
        return text
    try:
        return conversions.parse_json(text)
    except CannotConvert:
        return text
