"""Rows of n8n's tables as every reader yields them: column names as in the database, values as Python has them.

JSON columns are parsed, times are in UTC, flags are true or false, whether they come from PostgreSQL, from SQLite
(where they are texts and 0 or 1) or from one of n8n's exports. A column that this n8n has not got yet is absent. One
odd value must not keep a row back: it becomes None, and the row says so under `UNREADABLE`.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

import orjson

from app.importing.n8n.flatted import replace_lone_surrogates

Row = dict[str, Any]

JSON: dict[str, type] = {
    "connections": dict,
    "meta": dict,
    "nodeGroups": list,
    "nodes": list,
    "pinData": dict,
    "scopes": list,
    "settings": dict,
    "staticData": dict,
}
"""Columns with JSON, and what that is: null, or a list or an object."""
FLAGS = frozenset({"active", "autosaved", "disabled", "finished", "isArchived", "isGlobal", "isManaged"})
TEXTS = frozenset({"mode", "parentFolderId", "projectId", "status", "storedAt", "workflowId"})
TIMES = frozenset({"createdAt", "deletedAt", "lastUsedAt", "startedAt", "stoppedAt", "updatedAt", "waitTill"})


ODD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What is raised for a thing that is laid out as none of n8n's."""

MAX_ID = 2**53
"""Ids of executions and of rows of data tables above are damage: this program's own could not go on above them."""
ID = re.compile("[0-9]{1,16}")

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
            elif name in JSON:
                row[name] = _read_kind(value, JSON[name])
            elif name in TEXTS:
                row[name] = str(value)
            elif name in FLAGS:
                row[name] = value not in (0, False, "0", "false")
        except (TypeError, ValueError):
            row[name] = None
            unreadable.append(name)
    if unreadable:
        row[UNREADABLE] = unreadable
    return row


def _read_kind(value: Any, kind: type) -> Any:
    """A value of a JSON column, parsed where it is not yet. Raises ValueError when it is not of its kind."""
    read = read_json(value) if isinstance(value, str | bytes) else value
    if not isinstance(read, kind | None):
        raise ValueError(f"no {kind.__name__}")
    return read


def read_time(value: Any) -> datetime:
    """A time in UTC; a text without a zone is in UTC. Raises ValueError, TypeError."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    try:
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value} is out of all calendars") from None


def read_json(value: str | bytes) -> Any:
    """JSON. Another character stands for half of a surrogate pair, which JavaScript can hold and UTF-8 cannot.

    Raises ValueError.
    """
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        try:
            read = json.loads(value)
            text = json.dumps(read, ensure_ascii=False)
            storable = replace_lone_surrogates(text)
            return read if storable is text else json.loads(storable)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None


def storable(value: Any) -> str:
    """A text that PostgreSQL can hold: another character stands for NUL, and for half of a surrogate pair."""
    return "" if value is None else replace_lone_surrogates(str(value).replace("\0", "\ufffd"))


def read_id(value: Any) -> int | None:
    """An execution's id, which n8n keeps as a text where another row names it."""
    text = str(value)
    return int(text) if ID.fullmatch(text) and int(text) <= MAX_ID else None
