"""Lists that are sorted by something that need not be unique, and go on after a place without counting.

What has no value comes last, or first where the order descends; equal ones are in the order of their ids.
"""

from dataclasses import dataclass
from typing import Any

from psycopg import sql


@dataclass(frozen=True, slots=True)
class Order:
    """By what a list is sorted, and in which direction; by id, nothing else counts."""

    by: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list: after the one with this value and id. By id, the value does not count."""

    id: Any
    value: Any = None


UP = sql.SQL("{key}, {own_id}")
DOWN = sql.SQL("{key} DESC, {own_id}")
BY_ID = sql.SQL("{own_id}")
BY_ID_DOWN = sql.SQL("{own_id} DESC")

AFTER_ID = sql.SQL("{own_id} > %(after_id)s")
BEFORE_ID = sql.SQL("{own_id} < %(after_id)s")
# Each second form: after a place without a value.
AFTER_UP = sql.SQL(
    "({key} > %(after_value)s OR ({key} = %(after_value)s AND {own_id} > %(after_id)s) OR {key} IS NULL)"
)
AFTER_UP_EMPTY = sql.SQL("({key} IS NULL AND {own_id} > %(after_id)s)")
AFTER_DOWN = sql.SQL("({key} < %(after_value)s OR ({key} = %(after_value)s AND {own_id} > %(after_id)s))")
AFTER_DOWN_EMPTY = sql.SQL("(({key} IS NULL AND {own_id} > %(after_id)s) OR {key} IS NOT NULL)")


def ordering(order: Order, *, key: sql.Composable, own_id: sql.Composable) -> sql.Composed:
    """What stands behind ORDER BY."""
    if order.by == "id":
        return (BY_ID_DOWN if order.descending else BY_ID).format(own_id=own_id)
    return (DOWN if order.descending else UP).format(key=key, own_id=own_id)


def after_place(
    order: Order, place: Place, *, key: sql.Composable, own_id: sql.Composable
) -> tuple[sql.Composed, dict[str, Any]]:
    """The condition for what comes after a place, and its parameters."""
    if order.by == "id":
        condition = BEFORE_ID if order.descending else AFTER_ID
    elif place.value is None:
        condition = AFTER_DOWN_EMPTY if order.descending else AFTER_UP_EMPTY
    else:
        condition = AFTER_DOWN if order.descending else AFTER_UP
    return condition.format(key=key, own_id=own_id), {"after_id": place.id, "after_value": place.value}
