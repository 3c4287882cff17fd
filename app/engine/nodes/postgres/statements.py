"""The statements of the operations of Postgres, version 2, each from one item's parameters and row."""

import math
from collections.abc import Callable
from typing import Any

from app.engine.nodes.postgres.sql_text import fill_places, identifier, literal, literal_for, sql_names, where
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item
from app.engine.values import conversions


def chosen(value: Any, default: str = "") -> str:
    """The value of a parameter that is chosen from a list or typed in."""
    return str((value.get("value") if isinstance(value, dict) else value) or default)


def table_of(parameters: dict[str, Any]) -> str:
    """The schema and table of the node, quoted. Raises ValueError without a table."""
    return f"{sql_names(chosen(parameters.get('schema'), 'public'))}.{sql_names(chosen(parameters.get('table')))}"


def row_of(parameters: dict[str, Any], item: Item, version: float) -> dict[str, Any]:
    """The values to write: the item's own, or those that the node defines."""
    if version < 2.2:
        mode = parameters.get("dataMode", "autoMapInputData")
        entries = (parameters.get("valuesToSend") or {}).get("values") or []
        values = {str(entry.get("column")): entry.get("value") for entry in entries}
        if mode == "defineBelow" and parameters.get("columnToMatchOn"):
            values = {str(parameters["columnToMatchOn"]): parameters.get("valueToMatchOn"), **values}
    else:
        columns = parameters.get("columns") or {}
        mode, values = columns.get("mappingMode", "defineBelow"), columns.get("value") or {}
    if mode != "autoMapInputData":
        return dict(values)
    row = dict(item["json"])
    # Only what items hold: a text that is empty in the node itself is meant.
    if as_group(parameters.get("options")).get("replaceEmptyStrings"):
        row = {name: None if value == "" else value for name, value in row.items()}
    return row


def literals_of(row: dict[str, Any], types: dict[str, str], index: int) -> dict[str, str]:
    """The values of a row as SQL, by column; `types` are those of the table. Raises NodeError."""
    if types:
        unknown = next((name for name in row if name not in types), None)
        if unknown is not None:
            raise NodeError(f"Column '{unknown}' does not exist in selected table", item_index=index)
    if not row:
        raise NodeError("Cannot retrieve sql names from an empty array/object.", item_index=index)
    return {name: literal_for(value, types.get(name, "")) for name, value in row.items()}


def _returned_columns(parameters: dict[str, Any]) -> str:
    columns = as_group(parameters.get("options")).get("outputColumns", "*")
    return "*" if columns is None or (isinstance(columns, list) and "*" in columns) else sql_names(columns)


def matching_columns(parameters: dict[str, Any], index: int) -> list[str]:
    """The columns that tell which rows are meant. Raises NodeError where none is named."""
    names = (parameters.get("columns") or {}).get("matchingColumns") or [parameters.get("columnToMatchOn")]
    names = [str(name) for name in names if name]
    if not names:
        raise NodeError("Name a column to match on.", item_index=index)
    return names


def _query(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    given = as_group(parameters.get("options")).get("queryReplacement")
    if given in (None, ""):
        values: list[Any] = []
    elif isinstance(given, list):
        values = given
    elif isinstance(given, str):
        values = [part.strip() for part in given.split(",")]
    else:
        values = [given]
    return fill_places(conversions.display(parameters.get("query", "")), values)


def _select(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    clauses = (parameters.get("where") or {}).get("values") or []
    order = ", ".join(
        f"{sql_names(entry.get('column', ''))} {'DESC' if entry.get('direction') == 'DESC' else 'ASC'}"
        for entry in (parameters.get("sort") or {}).get("values") or []
    )
    query = f"SELECT {_returned_columns(parameters)} FROM {table_of(parameters)}"
    query += where(clauses, parameters.get("combineConditions") or "AND")
    query += f" ORDER BY {order}" if order else ""
    if not parameters.get("returnAll"):
        limit = conversions.to_number(parameters.get("limit", 50))
        if math.isnan(limit):
            raise ValueError("Failed to parse value to number")
        query += f" LIMIT {literal(limit)}"
    return query


def _insert(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    values = literals_of(row, types, index)
    conflict = " ON CONFLICT DO NOTHING" if as_group(parameters.get("options")).get("skipOnConflict") else ""
    return f"{_insertion(parameters, values)}{conflict} RETURNING {_returned_columns(parameters)}"


def _insertion(parameters: dict[str, Any], values: dict[str, str]) -> str:
    names = ",".join(map(identifier, values))
    return f"INSERT INTO {table_of(parameters)} ({names}) VALUES ({','.join(values.values())})"


def _update(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    matching, values = matching_columns(parameters, index), literals_of(row, types, index)
    changed = ", ".join(f"{identifier(name)} = {value}" for name, value in values.items() if name not in matching)
    if not changed:
        raise NodeError("Add values to update to the node or to the input data.", item_index=index)
    condition = matching_condition(matching, values)
    return f"UPDATE {table_of(parameters)} SET {changed} WHERE {condition} RETURNING {_returned_columns(parameters)}"


def matching_condition(matching: list[str], values: dict[str, str]) -> str:
    """The condition that a row has these values in the columns that match."""
    return " AND ".join(f"{identifier(name)} = {values.get(name, literal(None))}" for name in matching)


def _upsert(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    matching, values = matching_columns(parameters, index), literals_of(row, types, index)
    changed = ", ".join(f"{identifier(name)} = EXCLUDED.{identifier(name)}" for name in values if name not in matching)
    action = f"DO UPDATE SET {changed}" if changed else "DO NOTHING"
    conflict = f" ON CONFLICT ({','.join(map(identifier, matching))}) {action}"
    return f"{_insertion(parameters, values)}{conflict} RETURNING {_returned_columns(parameters)}"


def _delete(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    command, table = parameters.get("deleteCommand", "truncate"), table_of(parameters)
    cascade = " CASCADE" if as_group(parameters.get("options")).get("cascade") else ""
    if command == "truncate":
        return f"TRUNCATE TABLE {table}{' RESTART IDENTITY' if parameters.get('restartSequences') else ''}{cascade}"
    if command == "delete":
        clauses = (parameters.get("where") or {}).get("values") or []
        return f"DELETE FROM {table}{where(clauses, parameters.get('combineConditions') or 'AND')}"
    if command == "drop":
        return f"DROP TABLE IF EXISTS {table}{cascade}"
    raise NodeError(f"The command '{command}' is not known.", item_index=index)


Make = Callable[[dict[str, Any], dict[str, Any], dict[str, str], int], str]
MAKERS: dict[str, Make] = {
    "executeQuery": _query,
    "select": _select,
    "insert": _insert,
    "update": _update,
    "upsert": _upsert,
    "deleteTable": _delete,
}


def statement(
    operation: str, parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int
) -> str:
    """The statement of the operation for one item. Raises NodeError for what SQL cannot be made of."""
    try:
        return MAKERS[operation](parameters, row, types, index)
    except ValueError as error:
        raise NodeError(str(error), item_index=index) from error


WRITING = frozenset({"insert", "update", "upsert"})
