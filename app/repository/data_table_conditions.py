"""Which rows of a data table are meant: conditions on their cells, all or any of which must hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg import sql
from psycopg.types.json import Jsonb

KEYS: dict[str, sql.Composable] = {
    "id": sql.SQL("r.id"),
    "createdAt": sql.SQL("r.created_at"),
    "updatedAt": sql.SQL("r.updated_at"),
}
"""The columns that every table has, whose names no other can have."""


@dataclass(frozen=True, slots=True)
class RowCondition:
    """`column` is one that every table has, or the id of another.

    `operator` is eq, neq, gt, gte, lt, lte (a value of the column's type), like, ilike (a pattern of LIKE), isEmpty or
    isNotEmpty (of texts: the empty text counts as empty). None as the value of eq and neq: nothing at all.
    """

    column: str
    operator: str
    value: str | float | bool | datetime | None = None


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Conditions of which all must hold, or with `any_of` at least one; none: every row.

    `search` is a pattern of ILIKE that the text of any cell of these columns must match besides.
    """

    conditions: tuple[RowCondition, ...] = ()
    any_of: bool = False
    search: str | None = None
    searched: tuple[str, ...] = ()

    def condition(self) -> tuple[sql.Composable, dict[str, Any]]:
        """The condition on `data_table_rows AS r`, and its parameters."""
        parameters: dict[str, Any] = {}
        clauses = list(self._clauses(parameters))
        joined = (OR if self.any_of else AND).join(clauses or [sql.SQL("true")])
        condition = sql.SQL("({})").format(joined)
        if self.search is not None:
            parameters |= {"search": self.search, "searched": list(self.searched)}
            condition = AND.join([condition, SEARCH])
        return condition, parameters

    def _clauses(self, parameters: dict[str, Any]) -> Iterator[sql.Composable]:
        for number, condition in enumerate(self.conditions):
            column, value = f"column_{number}", f"value_{number}"
            clauses = OF_EVERY_TABLE if condition.column in KEYS else OF_CELLS
            operator = condition.operator
            if condition.value is None and operator in ("eq", "neq"):
                operator = "isNull" if operator == "eq" else "isNotNull"
            elif condition.column in KEYS:
                parameters[value] = condition.value
            elif operator in ("eq", "neq"):
                parameters[value] = Jsonb({condition.column: condition.value}, dumps=orjson.dumps)
            elif operator in ("like", "ilike"):
                parameters[value] = condition.value
            else:
                parameters[value] = Jsonb(condition.value, dumps=orjson.dumps)
            parameters[column] = condition.column
            yield clauses[operator].format(
                key=KEYS.get(condition.column), column=sql.Placeholder(column), value=sql.Placeholder(value)
            )


AND, OR = sql.SQL(" AND "), sql.SQL(" OR ")
# Of JSON values of one type these compare as the values do. Equality alone is served by an index.
OF_CELLS = {
    "eq": sql.SQL("r.cells @> {value}"),
    "neq": sql.SQL("NOT r.cells @> {value}"),
    "gt": sql.SQL("r.cells -> {column} > {value}"),
    "gte": sql.SQL("r.cells -> {column} >= {value}"),
    "lt": sql.SQL("r.cells -> {column} < {value}"),
    "lte": sql.SQL("r.cells -> {column} <= {value}"),
    "like": sql.SQL(r"r.cells ->> {column} LIKE {value} ESCAPE '\'"),
    "ilike": sql.SQL(r"r.cells ->> {column} ILIKE {value} ESCAPE '\'"),
    "isNull": sql.SQL("NOT r.cells ? {column}"),
    "isNotNull": sql.SQL("r.cells ? {column}"),
    "isEmpty": sql.SQL("coalesce(r.cells ->> {column}, '') = ''"),
    "isNotEmpty": sql.SQL("coalesce(r.cells ->> {column}, '') <> ''"),
}
OF_EVERY_TABLE = {
    "eq": sql.SQL("{key} = {value}"),
    "neq": sql.SQL("{key} <> {value}"),
    "gt": sql.SQL("{key} > {value}"),
    "gte": sql.SQL("{key} >= {value}"),
    "lt": sql.SQL("{key} < {value}"),
    "lte": sql.SQL("{key} <= {value}"),
    "isNull": sql.SQL("{key} IS NULL"),
    "isNotNull": sql.SQL("{key} IS NOT NULL"),
}
SEARCH = sql.SQL(r"""
    EXISTS (SELECT FROM jsonb_each_text(r.cells) AS cell
             WHERE cell.key = ANY(%(searched)s::text[]) AND cell.value ILIKE %(search)s ESCAPE '\')
""")
