"""Data Table, versions 1 and 1.1: rows are added, found, changed and deleted, and so are the tables themselves."""

from collections.abc import Awaitable, Callable
from typing import Any

from app.engine.nodes.data_table import rows, tables
from app.engine.nodes.data_table.item_request import Asked
from app.engine.nodes.shared.issues import Mapped, Required, rules
from app.engine.run.context import NodeContext
from app.engine.run.data_tables import DataTableRefused
from app.engine.run.errors import NodeError
from app.engine.run.issues import Issue
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node

ROW, TABLE = {"resource": ["row"]}, {"resource": ["table"]}
FILTERED = ("deleteRows", "rowExists", "rowNotExists", "update", "upsert")
"""Operations that need a condition."""
MISSING_TABLE = "It was deleted, or belongs to another project. Choose a data table of this project in the node."
DEFAULTS = {"resource": "row", "operation": "insert"}
RULES = rules(
    Required("dataTableId", "Data table", when=ROW, listed=True),
    Required("dataTableId", "Data table", when={**TABLE, "operation": ["clear", "delete", "update"]}, listed=True),
    Required("tableName", "Name", when={**TABLE, "operation": ["create"]}),
    Required("newName", "New Name", when={**TABLE, "operation": ["update"]}),
    Mapped("columns", when={**ROW, "operation": ["insert", "update", "upsert"]}),
    defaults=DEFAULTS,
)
ROW_OPERATIONS: dict[str, Callable[[Asked], Awaitable[list[Item]]]] = {
    "insert": rows.insert,
    "get": rows.get,
    "rowExists": rows.row_exists,
    "rowNotExists": rows.row_not_exists,
    "update": rows.update,
    "upsert": rows.upsert,
    "deleteRows": rows.delete,
}
TABLE_OPERATIONS: dict[str, Callable[[Asked], Awaitable[list[Item]]]] = {
    "clear": tables.clear,
    "create": tables.create,
    "delete": tables.drop,
    "list": tables.list_tables,
    "update": tables.rename,
}


def _issues(parameters: dict[str, Any], version: float) -> list[Issue]:
    issues = RULES(parameters, version)
    filled = {**DEFAULTS, **parameters}
    needed = filled["resource"] == "row" and filled["operation"] in FILTERED
    if needed and not (parameters.get("filters") or {}).get("conditions"):
        issues.append(Issue("filters", "At least 1 field is required."))
    return issues


@node("dataTable", [1, 1.1], issues=_issues, plain=["resource", "operation"], exact=True)
async def data_table(context: NodeContext) -> Outputs:
    resource = context.parameters.get("resource", "row")
    operation = context.parameters.get("operation", "insert" if resource == "row" else "list")
    work = (ROW_OPERATIONS if resource == "row" else TABLE_OPERATIONS).get(operation)
    if work is None:
        raise NodeError(f"The operation '{operation}' of the Data Table node is not supported.")
    resolved = await context.resolve_each(context.parameters, exact=True)
    if work is rows.insert and not rows.has_table_by_expression(context.parameters):
        return [await _insert_at_once(context, resolved)]
    output: list[Item] = []
    for index, parameters in enumerate(resolved):
        try:
            if isinstance(parameters, NodeError):
                raise parameters
            made = await _explain_refusal(work(Asked(context, parameters, index)))
        except NodeError as error:
            if not context.continues_on_fail:
                raise
            made = [{"json": {"error": error.message}}]
        output += context.collect({**item, "pairedItem": {"item": index}} for item in made)
    return [output]


async def _insert_at_once(context: NodeContext, resolved: list[Any]) -> list[Item]:
    """The rows of all items in one go, so that all or none are added."""
    try:
        for parameters in resolved:
            if isinstance(parameters, NodeError):
                raise parameters
        asked = [Asked(context, parameters, index) for index, parameters in enumerate(resolved)]
        return await _explain_refusal(rows.insert_many(asked)) if asked else []
    except NodeError as error:
        if not context.continues_on_fail:
            raise
        return [{"json": {"error": error.message}, "pairedItem": {"item": index}} for index in range(len(resolved))]


async def _explain_refusal(work: Awaitable[list[Item]]) -> list[Item]:
    """What comes of it, with a refusal told as n8n tells it."""
    try:
        return await work
    except DataTableRefused as error:
        if error.missing:
            raise NodeError(str(error), description=MISSING_TABLE) from error
        raise NodeError(str(error), anonymous=True) from error
