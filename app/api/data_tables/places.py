"""Cursors of lists that are sorted: the place says the id that was last, and what it was sorted by."""

from typing import Any

import orjson

from app.data_tables.values import read_time
from app.repository.keysets import Order, Place
from app.schemas.cursors import InvalidCursor
from app.vocabulary import MAX_ID

MAX_VALUE_LENGTH = 1_000


def place_text(order: Order, own_id: int | str, value: Any) -> str:
    """The text for a cursor's `lastId`. A value that is too long for one is left out: it is looked up again."""
    if order.by == "id":
        return str(own_id)
    known = orjson.dumps([own_id, value])
    return (known if len(known) <= MAX_VALUE_LENGTH else orjson.dumps([own_id])).decode()


def read_place(text: str, *, numbered: bool) -> tuple[Place, bool]:
    """The place, and whether its value is known; `numbered`: ids are numbers. Raises InvalidCursor."""
    if not text.startswith("["):
        return Place(read_id(text, numbered)), True
    try:
        parts = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidCursor from None
    if not 1 <= len(parts) <= 2 or isinstance(parts[-1], list | dict):
        raise InvalidCursor
    own_id = read_id(str(parts[0]), numbered)
    return Place(own_id, parts[1] if len(parts) == 2 else None), len(parts) == 2


def with_time(order: Order, place: Place) -> Place:
    """The place with its value as a time, where times are what the list is sorted by. Raises InvalidCursor."""
    if order.by not in ("createdAt", "updatedAt"):
        return place
    moment = read_time(place.value) if isinstance(place.value, str) else None
    if moment is None:
        raise InvalidCursor
    return Place(place.id, moment)


def read_id(text: str, numbered: bool) -> int | str:
    """An id as it stands in the database. Raises InvalidCursor."""
    if not numbered:
        if not 1 <= len(text) <= 64:
            raise InvalidCursor
        return text
    if not text.isascii() or not text.isdigit() or int(text[:20]) > MAX_ID:
        raise InvalidCursor
    return int(text)
