"""Aggregate: makes one item of all, from chosen fields or from whole items."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from app.engine.nodes.shared.missing_fields import hint_missing, is_missing
from app.engine.run.computing import compute, count_steps
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import POINTER
from app.engine.run.parameters import split_names
from app.engine.run.registry import node
from app.engine.values import conversions, paths
from app.notation import is_expression

INDIVIDUAL, WHOLE = "aggregateIndividualFields", "aggregateAllItemData"


@node("aggregate", [1], groups=["fieldsToAggregate"])
async def aggregate(context: NodeContext) -> Outputs:
    return [await aggregate_items(context, context.parameters, hints=True)]


async def aggregate_items(context: NodeContext, parameters: dict[str, Any], *, hints: bool = False) -> list[Item]:
    """The one item that all of the input becomes. `hints`: they name the fields that no item has."""
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
    size = count_steps(context.items, asked)
    made = await compute(_aggregate, context, parameters, asked, size=size)
    if hints and parameters.get("aggregate", INDIVIDUAL) == INDIVIDUAL:
        hint_missing(context, await compute(_missing_fields, context, asked, size=size))
    return [made]


def _missing_fields(context: NodeContext, asked: dict[str, Any]) -> list[str]:
    documents = [item["json"] for item in context.items]
    dots = not as_group(asked["options"]).get("disableDotNotation")
    names = [conversions.to_string(field.get("fieldToAggregate") or "") for field in asked["fields"]]
    return [name for name in names if name and is_missing(documents, name, dots=dots)]


def _asked_fields(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields that are asked for; the switch that renames one is on, off or an expression."""
    fields = parameters.get("fieldsToAggregate", {"fieldToAggregate": [{}]}).get("fieldToAggregate") or []
    return [
        field
        if (renames := field.get("renameField")) is True or is_expression(renames)
        else {**field, "renameField": False}
        for field in fields
    ]


def _aggregate(context: NodeContext, parameters: dict[str, Any], asked: dict[str, Any]) -> Item:
    documents = [item["json"] for item in context.items]
    options = as_group(asked["options"])
    places = list(range(len(documents)))
    kind = parameters.get("aggregate", INDIVIDUAL)
    if kind not in (INDIVIDUAL, WHOLE) and not str(kind).startswith("="):
        raise NodeError(f"The kind '{conversions.display(kind)}' of aggregation is not supported.")
    if kind == INDIVIDUAL:
        json = aggregate_fields(documents, asked["fields"], options, context.hold)
    else:
        chosen = _choose_fields(documents, asked)
        places = list(chosen)
        json = {conversions.to_string(asked["destination"]): list(chosen.values())}
    made: Item = {"json": json, "pairedItem": [{"item": index} for index in places]}
    if options.get("includeBinaries"):
        files = _collect_files([context.items[place] for place in places], bool(options.get("keepOnlyUnique")))
        context.hold(POINTER * len(files))
        made |= {"binary": files} if files else {}
    return made


def _collect_files(items: list[Item], unique: bool) -> dict[str, Any]:
    """The files of the items, numbered where several have the same name; with `unique`, each content of a kind once."""
    files: dict[str, Any] = {}
    numbers: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for name, file in (pair for item in items for pair in (item.get("binary") or {}).items()):
        content = (str(file.get("mimeType")), str(file.get("data")))
        if unique and content in seen:
            continue
        seen.add(content)
        free = name
        while free in files:
            numbers[name] += 1
            free = f"{name}_{numbers[name]}"
        files[free] = file
    return files


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
        values = _values_of(documents, name, options, dots)
        hold(POINTER * len(values))
        paths.put(made, output, values, dots=dots, hold=hold)
    return made


def _values_of(documents: list[dict[str, Any]], name: str, options: dict[str, Any], dots: bool) -> list[Any]:
    values: list[Any] = []
    for document in documents:
        value = paths.get(document, name, dots=dots)
        if value is None and not options.get("keepMissing"):
            continue
        if isinstance(value, list) and not options.get("keepMissing"):
            value = [each for each in value if each is not None]
        if isinstance(value, list) and options.get("mergeLists"):
            values.extend(value)
        else:
            values.append(value)
    return values


def _output_name(field: dict[str, Any], name: str, dots: bool) -> str:
    if field.get("renameField") and field.get("outputFieldName"):
        return conversions.to_string(field["outputFieldName"])
    return name.split(".")[-1] if dots else name


def _choose_fields(documents: list[dict[str, Any]], asked: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """What is asked for of each document, by its place; one of which nothing is left goes."""
    included = split_names(asked["included"], "Fields To Include") if asked["include"] == "specifiedFields" else []
    excluded = split_names(asked["excluded"], "Fields To Exclude") if asked["include"] == "allFieldsExcept" else []
    if not included and not excluded:
        return dict(enumerate(documents))
    chosen = (
        {name: document[name] for name in included if name in document}
        if included
        else {name: value for name, value in document.items() if name not in excluded}
        for document in documents
    )
    return {place: each for place, each in enumerate(chosen) if each}
