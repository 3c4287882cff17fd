"""How ids of new objects, times and expressions are written, and what time zones are called."""

import secrets
import string
from datetime import datetime
from typing import Any, TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

ALPHABET = string.ascii_letters + string.digits


def new_id() -> str:
    """An id for a new object, of n8n's kind."""
    return "".join(secrets.choice(ALPHABET) for _ in range(16))


def time_text(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds; `moment` must be in UTC already."""
    # orjson writes a time four times as fast as isoformat does, with six digits, or with none when they are zero.
    text = orjson.dumps(moment)
    return (text[1:24] if moment.microsecond else text[1:20] + b".000").decode() + "Z"


def is_expression(value: Any) -> TypeGuard[str]:
    """Whether a value in a workflow is an expression: a text that begins with an equals sign."""
    return isinstance(value, str) and value.startswith("=")


def find_zone(name: str) -> ZoneInfo | None:
    """The time zone of this name; None where this machine knows none: names are looked up as files, which may also be
    folders, or cannot be called so."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
