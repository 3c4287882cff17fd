"""Split Out: makes an item of each entry of an array."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from app.engine.nodes.shared.issues import Required, rules
from app.engine.nodes.shared.missing_fields import hint_missing
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import FIELD
from app.engine.run.parameters import split_names
from app.engine.run.registry import node
from app.engine.values import paths

FILES = "$binary"
"""The field that stands for an item's files: each goes to an item of its own."""
COUNT_MISMATCH = "If multiple fields to split out are given, the same number of destination fields must be given"


ISSUES = rules(Required("fieldToSplitOut", "Fields To Split Out"))


@node("splitOut", [1], issues=ISSUES)
async def split_out(context: NodeContext) -> Outputs:
    return [await split_all(context, context.parameters, hints=True)]


async def split_all(context: NodeContext, parameters: dict[str, Any], *, hints: bool = False) -> list[Item]:
    """The items that the input becomes. `hints`: they name the fields that no item has."""
    wanted = {
        "fields": "" if (fields := parameters.get("fieldToSplitOut")) is None else fields,
        "include": parameters.get("include", "noOtherFields"),
        "others": "" if (others := parameters.get("fieldsToInclude")) is None else others,
        "options": parameters.get("options") or {},
    }
    resolved, failed = await context.resolve_until(wanted, parameter="fieldToSplitOut")
    hold = context.hold
    found: dict[str, bool] = {}
    made = (new for at, asked in enumerate(resolved) for new in split(context.items[at], at, asked, hold, found))
    output = await compute(context.collect, made)
    if failed is not None:
        raise failed
    if hints:
        hint_missing(context, (field for field, there in found.items() if not there))
    return output


def split(
    item: Item, index: int, asked: dict[str, Any], hold: Callable[[int], None], found: dict[str, bool]
) -> Iterator[Item]:
    """The items that one item becomes; `hold` hears of names that are made for entries. Raises NodeError.

    `found` is told of each field that is asked for whether this or an earlier item has it.
    """
    options = as_group(asked["options"])
    fields, named = _field_names(asked, options, index)
    dots = not options.get("disableDotNotation")
    columns = [_entries(item, field, dots, found) for field in fields]
    spread = asked["include"] == "noOtherFields" and not named and len(fields) == 1
    others = _others(item["json"], fields, asked, dots)
    for row in range(max((len(column) for column in columns), default=0)):
        json: dict[str, Any] = {} if asked["include"] == "selectedOtherFields" else dict(others)
        for field, name, column in zip(fields, named or fields, columns, strict=True):
            if row >= len(column) or field == FILES:
                continue
            if spread and isinstance(column[row], dict | list):
                if isinstance(column[row], list):
                    hold(FIELD * len(column[row]))
                json.update(_spread(column[row]))
            else:
                json[name] = column[row]
        if asked["include"] == "selectedOtherFields":
            json.update(others)
        new: Item = {"json": json, "pairedItem": {"item": index}}
        if FILES in fields:
            file = columns[fields.index(FILES)][row : row + 1]
            if file:
                new["binary"] = file[0]
        elif options.get("includeBinary") and "binary" in item:
            new["binary"] = item["binary"]
        yield new


def _field_names(asked: dict[str, Any], options: dict[str, Any], index: int) -> tuple[list[str], list[str]]:
    """The fields to split, and the names that their entries get: none, or as many."""
    fields = [field.removeprefix("$json.") for field in split_names(asked["fields"], "Fields To Split Out")]
    destination = options.get("destinationFieldName") or ""
    if not isinstance(destination, str):
        raise NodeError("The 'Destination Field Name' parameter must be a string of fields separated by commas.")
    named = split_names(destination)
    if named and len(named) != len(fields):
        raise NodeError(COUNT_MISMATCH, item_index=index)
    return fields, named


def _entries(item: Item, field: str, dots: bool, found: dict[str, bool]) -> list[Any]:
    if field == FILES:
        return [{name: file} for name, file in (item.get("binary") or {}).items()]
    value = paths.get(item["json"], field, paths.MISSING, dots=dots)
    found[field] = found.get(field, False) or value is not paths.MISSING
    if value is paths.MISSING:
        return []
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]


def _spread(entry: Any) -> Iterable[tuple[str, Any]]:
    return entry.items() if isinstance(entry, dict) else ((str(place), each) for place, each in enumerate(entry))


def _others(json: dict[str, Any], fields: list[str], asked: dict[str, Any], dots: bool) -> dict[str, Any]:
    if asked["include"] == "allOtherFields":
        rest = dict(json)
        for field in fields:
            paths.remove(rest, field, dots=dots)
        return rest
    if asked["include"] == "selectedOtherFields":
        names = split_names(asked["others"], "Fields To Include")
        if not names:
            raise NodeError("No fields specified", description="Please add a field to include")
        values = {name: paths.get(json, name, paths.MISSING, dots=dots) for name in names}
        return {name: value for name, value in values.items() if value is not paths.MISSING}
    return {}
