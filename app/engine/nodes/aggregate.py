"""Aggregate: makes one item of all, from chosen fields or from whole items."""

from collections.abc import Callable
from typing import Any

from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import POINTER
from app.engine.run.parameters import split_names
from app.engine.run.registry import node
from app.engine.values import conversions, paths

INDIVIDUAL, WHOLE = "aggregateIndividualFields", "aggregateAllItemData"


@node("aggregate", [1])
async def aggregate(context: NodeContext) -> Outputs:
    return [await aggregate_items(context, context.parameters)]


async def aggregate_items(context: NodeContext, parameters: dict[str, Any]) -> list[Item]:
    """The one item that all of the input becomes."""
    asked = await context.resolve_first(
        {
            "fields": _asked_fields(parameters),
            "destination": "data" if (named := parameters.get("destinationFieldName")) is None else named,
            "include": parameters.get("include", "allFields"),
            "included": parameters.get("fieldsToInclude", ""),
            "excluded": parameters.get("fieldsToExclude", ""),
            "options": parameters.get("options") or {},
        },
        parameter="fieldsToAggregate",
    )
    return [await compute(_aggregate, context, parameters, asked, size=len(context.items))]


def _asked_fields(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields that are asked for; the switch that renames one is on, off or an expression."""
    fields = parameters.get("fieldsToAggregate", {"fieldToAggregate": [{}]}).get("fieldToAggregate") or []
    return [
        field
        if (renames := field.get("renameField")) is True or (isinstance(renames, str) and renames.startswith("="))
        else {**field, "renameField": False}
        for field in fields
    ]


def _aggregate(context: NodeContext, parameters: dict[str, Any], asked: dict[str, Any]) -> Item:
    documents = [item["json"] for item in context.items]
    kind = parameters.get("aggregate", INDIVIDUAL)
    if kind not in (INDIVIDUAL, WHOLE) and not str(kind).startswith("="):
        raise NodeError(f"The kind '{conversions.display(kind)}' of aggregation is not supported.")
    if kind == INDIVIDUAL:
        json = aggregate_fields(documents, asked["fields"], as_group(asked["options"]), context.hold)
    else:
        chosen = [_choose_fields(each, asked) for each in documents]
        json = {
            conversions.to_string(asked["destination"]): [
                each for each in chosen if each or asked["include"] == "allFields"
            ]
        }
    return {"json": json, "pairedItem": [{"item": index} for index in range(len(documents))]}


def aggregate_fields(
    documents: list[dict[str, Any]],
    fields: list[dict[str, Any]],
    options: dict[str, Any],
    hold: Callable[[int], None],
) -> dict[str, Any]:
    """The values that each field has in all of the documents, as lists. Raises NodeError."""
    if not fields:
        raise NodeError("No fields specified", description="Please add a field to aggregate")
    dots = not options.get("disableDotNotation")
    made: dict[str, Any] = {}
    taken: set[str] = set()
    for field in fields:
        name = field.get("fieldToAggregate", "")
        renamed = field.get("renameField") and field.get("outputFieldName")
        if dots and not renamed and name is not None and not isinstance(name, str | list):
            raise NodeError("The name of a field to aggregate must be a text.")
        name = "" if name is None else conversions.to_string(name)
        if not name:
            continue
        output = _output_name(field, name, dots)
        if output in taken:
            raise NodeError(
                f"The '{output}' output field is used more than once",
                description="Please make sure each output field name is unique",
            )
        taken.add(output)
        values: list[Any] = []
        for document in documents:
            value = paths.get(document, name, dots=dots)
            if value is None and not options.get("keepMissing"):
                continue
            if isinstance(value, list) and options.get("mergeLists"):
                values.extend(value)
            else:
                values.append(value)
        hold(POINTER * len(values))
        paths.put(made, output, values, dots=dots, hold=hold)
    return made


def _output_name(field: dict[str, Any], name: str, dots: bool) -> str:
    if field.get("renameField") and field.get("outputFieldName"):
        return conversions.to_string(field["outputFieldName"])
    return name.split(".")[-1] if dots else name


def _choose_fields(document: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    if asked["include"] == "specifiedFields":
        names = split_names(asked["included"], "Fields To Include")
        if not names:
            return document
        return {name: document[name] for name in names if name in document}
    if asked["include"] == "allFieldsExcept":
        excluded = set(split_names(asked["excluded"], "Fields To Exclude"))
        return {name: value for name, value in document.items() if name not in excluded}
    return document
