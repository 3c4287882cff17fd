"""Item Lists: the predecessor of Split Out, Aggregate, Remove Duplicates, Sort, Limit and Summarize, in one node."""

from functools import partial
from typing import Any

from app.engine.nodes.aggregate import aggregate_items
from app.engine.nodes.limit import limit_items
from app.engine.nodes.remove_duplicates.remove_duplicates import drop_duplicates
from app.engine.nodes.shared.issues import Required, rules
from app.engine.nodes.sort import sort_items
from app.engine.nodes.split_out import split_all
from app.engine.nodes.summarize import summaries
from app.engine.run.computing import compute, count_steps
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Outputs
from app.engine.run.parameters import split_names
from app.engine.run.registry import node
from app.engine.values import conversions, paths

MAY_MISS = 2.1
"""From this version on, a field that is missing is no error."""
ANY_TYPE = 2.2
"""From this version on, neither is a field to split out of another type."""
LISTS = ("fieldsToInclude", "fieldsToExclude", "fieldsToCompare", "fieldsToSplitBy")
"""Parameters that versions before 3 keep as lists of objects and later ones as text."""


ISSUES = rules(
    Required("fieldName", "Field Name", when={"operation": ["sort"]}, inside=("sortFieldsUi", "sortField")),
    Required("fieldToSplitOut", "Field To Split Out", when={"operation": ["splitOutItems"]}, below=2),
    Required("fieldToSplitOut", "Fields To Split Out", when={"operation": ["splitOutItems"]}, since=2),
    defaults={"operation": "splitOutItems"},
)


@node(
    "itemLists",
    [1, 2, 2.1, 2.2, 3, 3.1],
    issues=ISSUES,
    plain=["operation"],
    exact=True,
    groups=["fieldsToAggregate", "fieldsToSummarize", "sortFieldsUi"],
)
async def item_lists(context: NodeContext) -> Outputs:
    parameters = _as_now(context.parameters)
    operation = parameters.get("operation", "splitOutItems")
    if operation == "splitOutItems":
        if context.version < ANY_TYPE:
            resolved = await context.resolve_first(parameters, parameter="fieldToSplitOut")
            await compute(_check_splittable, context, resolved, size=count_steps(context.items, resolved))
        return [await split_all(context, parameters)]
    if operation == "aggregateItems" or (operation == "concatenateItems" and context.version >= 3):
        if context.version < MAY_MISS:
            resolved = await context.resolve_first(parameters, parameter="fieldsToAggregate")
            await compute(_check_present, context, resolved, size=count_steps(context.items, resolved))
        return [await aggregate_items(context, parameters)]
    if operation == "sort":
        return [await sort_items(context, parameters)]
    if operation == "limit":
        return [await limit_items(context, parameters)]
    resolved = await context.resolve_first(parameters, parameter="operation")
    size = count_steps(context.items, resolved)
    if operation == "removeDuplicates":
        drop = partial(drop_duplicates, hold=context.hold, any_type=context.version >= 3.1)
        return [await compute(drop, context.items, resolved, 1, size=size)]
    if operation == "summarize":
        made = summaries(context.items, resolved, 1, context.hold, checks=context.version < MAY_MISS)
        return [await compute(context.collect, made, size=size)]
    raise NodeError(f"Operation '{operation}' is not recognized")


def _check_splittable(context: NodeContext, parameters: dict[str, Any]) -> None:
    allowed, named = (list, "an array") if context.version < 2 else (list | dict, "an array or object")
    dots = not as_group(parameters.get("options")).get("disableDotNotation")
    for field in split_names(parameters.get("fieldToSplitOut", ""), "Fields To Split Out"):
        for item in context.items:
            value = paths.get(item["json"], field, paths.MISSING, dots=dots)
            if value is paths.MISSING:
                if context.version < MAY_MISS:
                    raise NodeError(f"Couldn't find the field '{field}' in the input data")
                continue
            if not isinstance(value, allowed):
                raise NodeError(f"The provided field '{field}' is not {named}")


def _check_present(context: NodeContext, parameters: dict[str, Any]) -> None:
    dots = not as_group(parameters.get("options")).get("disableDotNotation")
    for entry in (parameters.get("fieldsToAggregate") or {}).get("fieldToAggregate") or []:
        name = conversions.to_string(entry.get("fieldToAggregate") or "")
        if all(paths.get(item["json"], name, paths.MISSING, dots=dots) is paths.MISSING for item in context.items):
            raise NodeError(f"Couldn't find the field '{name}' in the input data")


def _as_now(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters with every list of fields as the newer nodes write it."""
    changed = {
        name: [field.get("fieldName", "") for field in value.get("fields") or []]
        for name in LISTS
        if isinstance(value := parameters.get(name), dict)
    }
    return {**parameters, **changed}
