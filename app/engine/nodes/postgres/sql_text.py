"""SQL put together from a query and values, as the Postgres node's users write it: `$1`, `$1:name`, `$2:csv`.

Values become literals that cannot end early, names become quoted identifiers. Knows text and JSON values only.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

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
    if isinstance(value, dict):
        return quote(json.dumps(value, ensure_ascii=False))
    return quote(str(value))


def _number(value: float) -> str:
    text = repr(value)
    return f"'{text}'" if text in ("nan", "inf", "-inf") else f"({text})" if value < 0 else text


def quote(text: str) -> str:
    """Text as a string literal, whatever the server thinks of backslashes."""
    text = text.replace("\x00", "").replace("'", "''")
    return "E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"


def identifier(name: Any) -> str:
    """A name as SQL quotes it."""
    return '"' + str(name).replace("\x00", "").replace('"', '""') + '"'


def fill_places(query: str, values: Sequence[Any]) -> str:
    """The query with its places filled; a place without a value stays, and the server complains."""

    def fill(match: re.Match[str]) -> str:
        number = int(match[1])
        if not 1 <= number <= len(values):
            return match[0]
        return _format(values[number - 1], match[2] or match[3])

    return _PLACE.sub(fill, query)


def _format(value: Any, how: str | None) -> str:
    if how in ("name", "alias", "~"):
        if value == "*":
            return "*"
        names = value if isinstance(value, list | dict) else [value]
        return ",".join(map(identifier, names))
    if how in ("csv", "list"):
        entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        return ",".join(map(literal, entries))
    if how == "json":
        return quote(json.dumps(value, ensure_ascii=False))
    if how in ("raw", "^"):
        return str(value)
    if how in ("value", "#"):
        return str(value).replace("'", "''")
    return literal(value)


def literal_for(value: Any, data_type: str) -> str:
    """A value as a literal for a column of that type; what a JSON column gets is JSON."""
    if data_type in ("json", "jsonb") and value is not None:
        return quote(value if isinstance(value, str) and _is_json(value) else json.dumps(value, ensure_ascii=False))
    return literal(value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


OPERATORS = {"equal": "=", "!=": "!=", "LIKE": "LIKE", ">": ">", "<": "<", ">=": ">=", "<=": "<="}


def where(clauses: Sequence[dict[str, Any]], combine: str) -> str:
    """A WHERE clause of the conditions that the editor lists; empty without any. Raises ValueError."""
    parts = []
    for clause in clauses:
        column, condition = identifier(clause.get("column", "")), clause.get("condition") or "equal"
        if condition in ("IS NULL", "IS NOT NULL"):
            parts.append(f"{column} {condition}")
        elif condition in OPERATORS:
            parts.append(f"{column} {OPERATORS[condition]} {literal(clause.get('value', ''))}")
        else:
            raise ValueError(f"The condition '{condition}' is not known")
    joint = " OR " if str(combine).upper() == "OR" else " AND "
    return f" WHERE {joint.join(parts)}" if parts else ""
