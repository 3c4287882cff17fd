"""SQL put together from a query and values, as the Postgres node's users write it: `$1`, `$1:name`, `$2:csv`.

Values become literals that cannot end early, names become quoted identifiers. Knows text and JSON values only.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

_JSON_TYPES = ("json", "jsonb")
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*|[A-Z_][A-Z0-9_$]*")
_PLACE = re.compile(r"\$(\d+)(?::(name|alias|csv|list|json|raw|value)|([~^#]))?")


def literal(value: Any) -> str:
    """A JSON value as a literal; arrays as arrays, objects as JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, list):
        return f"array[{','.join(map(literal, value))}]" if value else "'{}'"
    return quote(_json(value) if isinstance(value, dict) else str(value))


def _number(value: float) -> str:
    text = repr(value)
    return f"'{text}'" if text in ("nan", "inf", "-inf") else f"({text})" if value < 0 else text


def quote(text: str) -> str:
    """Text as a string literal, whatever the server thinks of backslashes."""
    text = text.replace("\x00", "").replace("'", "''")
    return "E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"


def identifier(name: str) -> str:
    """A name as SQL quotes it."""
    return '"' + name.replace("\x00", "").replace('"', '""') + '"'


def fill_places(query: str, values: Sequence[Any]) -> str:
    """The query with its places filled; a place without a value stays, and the server complains.

    Raises ValueError for null where the query wants text of its own (`:raw`, `:value`), and for what is no name where
    it wants names (`:name`, `:alias`).
    """

    def fill(match: re.Match[str]) -> str:
        number = int(match[1])
        if not 1 <= number <= len(values):
            return match[0]
        return _format(values[number - 1], match[2] or match[3])

    return _PLACE.sub(fill, query)


def _format(value: Any, how: str | None) -> str:
    if how in ("name", "~"):
        return sql_names(value)
    if how == "alias":
        parts = _checked(value, "alias").split(".")
        return ".".join(part if _PLAIN.fullmatch(part) else identifier(part) for part in parts if part)
    if how in ("csv", "list"):
        entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        return ",".join(map(literal, entries))
    if how == "json":
        return quote(_json(value))
    if how in ("raw", "^"):
        return _open(value, "Values null/undefined cannot be used as raw text.")
    if how in ("value", "#"):
        return _open(value, "Open values cannot be null or undefined.").replace("'", "''")
    return literal(value)


def sql_names(value: Any) -> str:
    """One name, those of a list, those of an object's fields, or `*`. Raises ValueError for what is none."""
    if value == "*":
        return "*"
    every = list(value) if isinstance(value, list | dict) else [value]
    if not every:
        raise ValueError("Cannot retrieve sql names from an empty array/object.")
    return ",".join(identifier(_checked(name, "name")) for name in every)


def _checked(name: Any, what: str) -> str:
    """The name, if it is one. Raises ValueError."""
    if isinstance(name, str) and name:
        return name
    raise ValueError(f"Invalid sql {what}: {_json(name)}")


def _open(value: Any, refusal: str) -> str:
    """A value as text of the query itself. Raises ValueError with the refusal for null."""
    if value is None:
        raise ValueError(refusal)
    if isinstance(value, str):
        return value
    return _json(value) if isinstance(value, dict) else literal(value)


def literal_for(value: Any, data_type: str) -> str:
    """A value as a literal for a column of that type, as PostgreSQL names it: `jsonb`, or `_jsonb` for arrays of it.

    What a JSON column gets is JSON; what an array column gets has no type of its own, so that the server reads it as
    what the column holds.
    """
    if data_type in _JSON_TYPES and value is not None:
        return quote(_as_json(value))
    if data_type.startswith("_"):
        entries = _parsed(value) if isinstance(value, str) else value
        if isinstance(entries, list):
            return quote(_array(entries, _as_json if data_type[1:] in _JSON_TYPES else _array_entry))
    return literal(value)


def _array(entries: list[Any], write: Callable[[Any], str]) -> str:
    """The entries as the server reads arrays: `{"a",NULL}`."""
    return "{" + ",".join("NULL" if entry is None else _quoted(entry, write) for entry in entries) + "}"


def _quoted(entry: Any, write: Callable[[Any], str]) -> str:
    if isinstance(entry, list) and write is _array_entry:
        return _array(entry, write)
    return '"' + write(entry).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _array_entry(entry: Any) -> str:
    return entry if isinstance(entry, str) else _json(entry)


def _as_json(value: Any) -> str:
    return value if isinstance(value, str) and _parsed(value) is not ... else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _parsed(text: str) -> Any:
    """The value of a JSON text; Ellipsis for any other."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return ...


OPERATORS = {"equal": "=", "=": "=", "!=": "!=", "LIKE": "LIKE", ">": ">", "<": "<", ">=": ">=", "<=": "<="}


def where(clauses: Sequence[dict[str, Any]], combine: str) -> str:
    """A WHERE clause of the conditions that the editor lists; empty without any. Raises ValueError."""
    parts = []
    for clause in clauses:
        column, condition = sql_names(clause.get("column", "")), clause.get("condition", "equal")
        if condition in ("IS NULL", "IS NOT NULL"):
            parts.append(f"{column} {condition}")
        elif isinstance(condition, str) and condition in OPERATORS:
            parts.append(f"{column} {OPERATORS[condition]} {literal(clause.get('value', ''))}")
        else:
            raise ValueError(f"The condition {_json(condition)} is not known")
    joint = " OR " if str(combine).upper() == "OR" else " AND "
    return f" WHERE {joint.join(parts)}" if parts else ""
