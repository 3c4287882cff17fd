"""Item Lists: what Split Out, Aggregate, Remove Duplicates, Sort, Limit and Summarize were before, in one node."""

from typing import Any

from app.engine.context import NodeContext
from app.engine.errors import NodeError
from app.engine.nodes.aggregate import aggregated
from app.engine.nodes.limit import limited
from app.engine.nodes.remove_duplicates import without_duplicates
from app.engine.nodes.sort import sorted_as_asked
from app.engine.nodes.split_out import field_missing, split_all
from app.engine.nodes.summarize import summaries
from app.engine.registry import Outputs, node

LISTS = ("fieldsToInclude", "fieldsToExclude", "fieldsToCompare", "fieldsToSplitBy")
"""Parameters that versions before 3 keep as lists of objects and later ones as text."""


def _issues(parameters: dict[str, Any], version: float) -> list[str]:
    splits = parameters.get("operation", "splitOutItems") == "splitOutItems"
    return field_missing(parameters, version) if splits else []


@node("itemLists", [1, 2, 2.1, 2.2, 3, 3.1], issues=_issues)
async def item_lists(context: NodeContext) -> Outputs:
    parameters = _as_now(context.parameters)
    operation = parameters.get("operation", "splitOutItems")
    if operation == "splitOutItems":
        return [await split_all(context, parameters)]
    if operation in ("aggregateItems", "concatenateItems"):
        return [await aggregated(context, parameters)]
    if operation == "sort":
        return [await sorted_as_asked(context, parameters)]
    if operation == "limit":
        return [await limited(context, parameters)]
    resolved = await context.resolve_first(parameters, parameter="operation")
    if operation == "removeDuplicates":
        return [without_duplicates(context.items, resolved, 1)]
    if operation == "summarize":
        return [summaries(context.items, resolved, 1)]
    raise NodeError(f"The Item Lists node's operation '{operation}' is not supported.")


def _as_now(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters with every list of fields as the newer nodes write it."""
    changed = {
        name: [field.get("fieldName", "") for field in value.get("fields") or []]
        for name in LISTS
        if isinstance(value := parameters.get(name), dict)
    }
    return {**parameters, **changed}
