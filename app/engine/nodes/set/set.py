"""Edit Fields (Set), version 3: makes fields, or whole objects from JSON, and decides which fields stay."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.engine.nodes.set.choice import ASSIGNED, Choice, choose, select_fields, unquote
from app.engine.nodes.set.fields import Fields, NamedFile, as_text
from app.engine.nodes.set.hidden_values import DATE, reveal, reveal_names
from app.engine.nodes.set.json_text import may_be_object, parse_all, read_literals
from app.engine.nodes.set.old_fields import TYPES, old_fields, read_objects
from app.engine.nodes.shared import binary
from app.engine.nodes.shared.date_texts import read_dates
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import of_type
from app.engine.run.computing import compute, slice_is_over, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.issues import Issue
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import DICT
from app.engine.run.parameters import split_expressions
from app.engine.run.registry import node
from app.engine.values import conversions, paths

NOTHING_STAYS = 3.1
"""From this version on, null and undefined in a text field are null."""
MAX_COPIES = 1_000
LONG = 2**18
WIDE = 500
"""With more fields named, or cells that name and fill them, an item is made in a thread."""
DATES_IN_UTC = 3.5
"""From this version on, a date without an offset is in UTC instead of the workflow's time zone."""
SAMPLE = '{"my_field_1": "value", "my_field_2": 1}'
"""What the editor proposes for raw mode, and what a document without the parameter means."""
NAMES = ("includeOtherFields", "include", "includeFields", "excludeFields")
CANNOT = object()
"""What stands for JSON that cannot be read."""


def _issues(parameters: dict[str, Any], version: float) -> list[Issue]:
    if parameters.get("mode", "manual") == "raw":
        given = parameters.get("jsonOutput")
        return [] if isinstance(given, str) and may_be_object(given) else of_type("jsonOutput", given, "object")
    if version >= ASSIGNED:
        return []
    values = (parameters.get("fields") or {}).get("values") or []
    kinds = [entry.get("type", "stringValue") for entry in values]
    return [
        issue
        for entry, kind in zip(values, kinds, strict=True)
        for issue in of_type(kind, entry.get(kind), TYPES.get(kind, "string"))
    ]


@node(
    "set",
    [3, 3.1, 3.2, 3.3, 3.4, 3.5],
    issues=_issues,
    plain=["mode"],
    exact=True,
    wraps_expression_errors=True,
    groups=["assignments", "fields", "values"],
)
async def set_(context: NodeContext) -> Outputs:
    parameters = context.parameters
    mode = parameters.get("mode", "manual")
    if mode not in ("manual", "raw"):
        raise NodeError(f"The Edit Fields node's mode '{mode}' is not supported.")
    resolved, make = await (_read_json(context) if mode == "raw" else _read_fields(context))
    output: list[Item] = []
    rest: Any = None
    for index, (item, values) in enumerate(zip(context.items, resolved, strict=True)):
        if slice_is_over():
            await yield_to_loop()
        try:
            if isinstance(values, NodeError):
                raise values
            if values["rest"] is not rest:  # it is the same for all items, but where it has expressions
                rest = values["rest"]
                choice = choose(context, rest)
            value = values["value"]
            if choice.listed > WIDE or (isinstance(value, list) and _is_long(value)):
                output.append(await compute(_compose, context, item, make, value, choice, index))
            else:
                output.append(_compose(context, item, make, value, choice, index))
        except NodeError as error:
            output.append(failed_item(context, error, index))
    copies = _copies(context)
    if copies == 1:
        return [output]
    context.hold(copies * len(output) * DICT)
    return [[dict(item) for item in output for _ in range(copies)]]


Made = list[tuple[str, Any]] | dict[str, Any]
"""The fields of an item; an object where no name is a path and no value a file, so that they are its fields as they
stand."""
Make = Callable[[int, Any, Choice], Made]
"""Gives the fields of the item at a place, of the value that was resolved for it. Raises NodeError."""


async def _resolve(context: NodeContext, value: Any, parameter: str) -> list[Any]:
    """For each item the `value` that its fields are made of and the `rest` of the parameters, or a NodeError."""
    parameters = context.parameters
    rest = {"options": parameters.get("options") or {}} | {
        name: parameters[name] for name in NAMES if name in parameters
    }
    return await context.resolve_each({"value": value, "rest": rest}, parameter=parameter)


async def _read_json(context: NodeContext) -> tuple[list[Any], Make]:
    """What was resolved for each item, and what makes fields of the JSON in it."""
    pieces = _pieces(context.parameters.get("jsonOutput", SAMPLE))
    resolved = await _resolve(context, pieces, "jsonOutput")
    await _join_pieces(context, pieces, resolved)
    texts = {index: row["value"] for index, row in enumerate(resolved) if not isinstance(row, NodeError)}
    parsed = await parse_all(context, texts)

    def make(index: int, value: Any, choice: Choice) -> Made:
        return _from_json(value, parsed.get(index, CANNOT), index)

    return resolved, make


async def _read_fields(context: NodeContext) -> tuple[list[Any], Make]:
    """What was resolved for each item, and what converts the values in it to the types of their fields."""
    fields = _fields(context.parameters, context.version)
    resolved = await _resolve(context, fields.cells, "assignments")
    name_nothing = context.version < NOTHING_STAYS
    texts = fields.texts()
    if texts is not None:  # most nodes: no name, object or date has to be looked for
        await reveal(context, fields, resolved, name_nothing=name_nothing)

        def make_texts(index: int, value: Any, choice: Choice) -> Made:
            return {name: cell if (cell := value[at]).__class__ is str else as_text(cell) for name, at in texts}

        return resolved, make_texts
    await reveal_names(context, fields, resolved)
    await reveal(context, fields, resolved, name_nothing=name_nothing)
    await (read_objects if context.version < ASSIGNED else read_literals)(context, fields, resolved)
    times = await _read_times(context, fields, resolved)

    def make(index: int, value: Any, choice: Choice) -> Made:
        return fields.convert(context, value, times, index, lenient=choice.lenient)

    return resolved, make


def _copies(context: NodeContext) -> int:
    """How often each item stands in the output: once, but where somebody tries a workflow out with few items."""
    if not context.parameters.get("duplicateItem") or context.execution.mode not in ("manual", "test"):
        return 1
    count = conversions.to_number(context.parameters.get("duplicateCount", 0))
    return 1 + int(min(max(count, 0), MAX_COPIES)) if count == count else 1


def _fields(parameters: dict[str, Any], version: float) -> Fields:
    """The fields to make, whichever of the two shapes the version has."""
    if version < ASSIGNED:
        return Fields(old_fields(parameters))
    entries = (parameters.get("assignments") or {}).get("assignments")
    return Fields(list(entries) if isinstance(entries, list) else [])


def _pieces(template: Any) -> Any:
    """JSON with expressions in it as a list of its texts and expressions, because each is written as JSON."""
    if not isinstance(template, str) or not template.startswith("="):
        return template
    cut = enumerate(split_expressions(template[1:]))
    pieces = [piece for piece in (f"{{{{{text}}}}}" if place % 2 else text for place, text in cut) if piece.strip()]
    if len(pieces) == 1:
        return f"={pieces[0].strip()}"
    return [f"={piece}" if piece.startswith("{{") else piece for piece in pieces]


async def _join_pieces(context: NodeContext, pieces: Any, resolved: list[Any]) -> None:
    """Put the JSON together again: what gave nothing stands there as null or undefined, objects as JSON."""
    if not isinstance(pieces, list):
        return
    rows = [(index, values["value"]) for index, values in enumerate(resolved) if not isinstance(values, NodeError)]
    nothing = {text for _, row in rows for text, value in zip(pieces, row, strict=True) if value is None}
    answers = await context.tell_apart(nothing) if nothing else []
    for index, row in rows:
        resolved[index]["value"] = "".join(
            _nothing_text(answers[index][text]) if value is None else conversions.display(value)
            for text, value in zip(pieces, row, strict=True)
        )


def _nothing_text(said: str) -> str:
    """How a value that gave nothing stands in JSON: a date that is none as null, all else as it is called."""
    return "null" if said == DATE else said


async def _read_times(context: NodeContext, fields: Fields, resolved: list[Any]) -> dict[str, datetime]:
    """The times that the texts for date fields name."""
    dated = fields.may_be_of("dateTime")
    if not dated:
        return {}
    timezone = context.timezone if context.version < DATES_IN_UTC else "UTC"
    rows = (row["value"] for row in resolved if not isinstance(row, NodeError))
    texts = (row[at_value] for row in rows for at_kind, at_value in dated if row[at_kind] == "dateTime")
    return await read_dates(context, texts, timezone)


def _from_json(value: Any, parsed: Any, item: int) -> list[tuple[str, Any]]:
    if parsed is CANNOT:
        raise NodeError(
            f"The 'JSON Output' in item {item} contains invalid JSON", description=value or None, item_index=item
        )
    if parsed is None:
        raise NodeError("Cannot convert undefined or null to object", item_index=item)
    if not isinstance(parsed, dict):
        raise NodeError(f"The 'JSON Output' in item {item} does not contain a valid JSON object", item_index=item)
    return list(parsed.items())


def _is_long(cells: list[Any]) -> bool:
    """Whether there are many of them, or texts among them that take long to read."""
    return len(cells) > WIDE or any(cell.__class__ is str and len(cell) > LONG for cell in cells)


def _compose(context: NodeContext, item: Item, make: Make, value: Any, choice: Choice, index: int) -> Item:
    made = make(index, value, choice)
    json = select_fields(item["json"], choice, context.hold)
    files = dict(item["binary"]) if choice.binary and "binary" in item else None
    dots = choice.dots
    if isinstance(made, dict):
        json.update(made)
        made = []
    for name, value in made:
        if value.__class__ is NamedFile:
            files = {**(files or {}), name: binary.entry(item, value.source, index)}
        elif not dots:
            json[unquote(name)] = value
        elif "." in name or "]" in name:
            paths.put(json, name, value, hold=context.hold)
        else:
            json[name] = value
    composed: Item = {"json": json, "pairedItem": {"item": index}}
    if files is not None:
        composed["binary"] = files
    return composed
