"""Rows of n8n's tables as every reader yields them: column names as in the database, values as Python has them.

JSON columns are parsed, times are in UTC, flags are true or false, whether they come from PostgreSQL, from SQLite
(where they are texts and 0 or 1) or from one of n8n's exports. A column that this n8n has not got yet is absent. One
odd value must not keep a row back: it becomes None, and the row says so under `UNREADABLE`.
"""

import json
from datetime import UTC, datetime
from typing import Any

import orjson

Row = dict[str, Any]

JSON = frozenset({"connections", "meta", "nodeGroups", "nodes", "pinData", "scopes", "settings", "staticData"})
FLAGS = frozenset({"active", "autosaved", "disabled", "finished", "isArchived", "isGlobal", "isManaged"})
TIMES = frozenset({"createdAt", "deletedAt", "lastUsedAt", "startedAt", "stoppedAt", "updatedAt", "waitTill"})


UNREADABLE = "unreadable"
"""Where a row lists the columns whose values are not of their kind; absent where all are."""


def normalise(row: Row) -> Row:
    """The row with its values as described above; the given one is changed."""
    unreadable = []
    for name, value in row.items():
        if value is None:
            continue
        try:
            if name in TIMES:
                row[name] = read_time(value)
            elif name in JSON and isinstance(value, str | bytes):
                row[name] = read_json(value)
            elif name in FLAGS:
                row[name] = value not in (0, False, "0", "false")
        except (TypeError, ValueError):
            row[name] = None
            unreadable.append(name)
    if unreadable:
        row[UNREADABLE] = unreadable
    return row


def read_time(value: Any) -> datetime:
    """A time in UTC; a text without a zone is in UTC. Raises ValueError, TypeError."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    try:
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value} is out of all calendars") from None


def read_json(value: str | bytes) -> Any:
    """JSON, also with texts that JavaScript can hold and UTF-8 cannot. Raises ValueError."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        try:
            return json.loads(value)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
