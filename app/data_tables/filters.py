"""Which rows are meant, as n8n writes it: {"type": "and", "filters": [{"columnName", "condition", "value"}]}."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from app.data_tables.errors import InvalidData, Mismatch
from app.data_tables.values import cell, read_time
from app.repository.data_table_conditions import KEYS, RowCondition, RowFilter
from app.repository.data_tables import DataTable
from app.vocabulary import SYSTEM_COLUMNS

MAX_CONDITIONS = 100
MAX_PATTERN_LENGTH = 1_000
COMPARISONS = ("gt", "gte", "lt", "lte")
PATTERNS = ("like", "ilike")
CONDITIONS = ("eq", "neq", *PATTERNS, *COMPARISONS, "isEmpty", "isNotEmpty")


def row_filter(table: DataTable, document: Any, zone: tzinfo = UTC) -> RowFilter:
    """The filter of this table that a document describes. Raises InvalidData."""
    if not isinstance(document, dict):
        raise InvalidData("Invalid filter fields")
    kind, entries = document.get("type", "and"), document.get("filters", [])
    if kind not in ("and", "or") or not isinstance(entries, list):
        raise InvalidData("Invalid filter fields")
    if len(entries) > MAX_CONDITIONS:
        raise InvalidData(f"A filter can have at most {MAX_CONDITIONS} conditions")
    return RowFilter(tuple(condition(table, entry, zone) for entry in entries), any_of=kind == "or")


def with_search(table: DataTable, text: str, wanted: RowFilter) -> RowFilter:
    """The same filter, for rows with the text in any cell besides."""
    if not text.strip():
        return wanted
    columns = tuple(column.id for column in table.columns)
    return RowFilter(wanted.conditions, wanted.any_of, search=pattern(text), searched=columns)


def condition(table: DataTable, entry: Any, zone: tzinfo) -> RowCondition:
    """One condition. Raises InvalidData."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("columnName"), str) or "value" not in entry:
        raise InvalidData("Invalid filter fields")
    name, operator, value = entry["columnName"], entry.get("condition", "eq"), entry["value"]
    if operator not in CONDITIONS or isinstance(value, dict | list):
        raise InvalidData("Invalid filter fields")
    columns = {column.name: column for column in table.columns}
    if name not in columns and name not in SYSTEM_COLUMNS:
        raise Mismatch(f"unknown column name '{name}'")
    kind = SYSTEM_COLUMNS.get(name) or columns[name].type
    column = name if name in KEYS else columns[name].id
    if operator in ("isEmpty", "isNotEmpty"):
        if kind == "string":
            return RowCondition(column, operator)
        return RowCondition(column, "eq" if operator == "isEmpty" else "neq")
    made = cell(name, value, kind, zone)
    if made is None and operator not in ("eq", "neq"):
        raise Mismatch(f"{operator.upper()} filter value cannot be null or undefined")
    if operator in PATTERNS:
        if kind != "string" or not isinstance(made, str):
            raise Mismatch(f"{operator.upper()} filter value must be a string")
        return RowCondition(column, operator, pattern(made))
    return RowCondition(column, operator, moment(made) if column in KEYS and kind == "date" else made)


def moment(text: Any) -> datetime | None:
    """The time of a cell that holds a date."""
    return None if text is None else read_time(text)


def pattern(text: str) -> str:
    """What LIKE is asked for: the text anywhere, or as it is where it has wildcards of its own."""
    if len(text) > MAX_PATTERN_LENGTH:
        raise InvalidData(f"A text to look for can have at most {MAX_PATTERN_LENGTH:,} characters")
    with_wildcards = text if "%" in text else f"%{text}%"
    return with_wildcards.replace("\\", "\\\\").replace("_", "\\_")
