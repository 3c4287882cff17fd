"""Sort: orders the items by fields, by the workflow's own comparison, or at random."""

import math
import random
import re
from functools import cmp_to_key
from typing import Any

from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import PLAIN, compute, count_steps
from app.engine.run.context import NodeContext
from app.engine.run.errors import CodeNodeError, NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import POINTER
from app.engine.run.registry import node
from app.engine.sandbox import CodeError, SandboxError
from app.engine.values import comparisons, conversions, paths

_LINE = re.compile(r"\[line \d+\]\Z")
_RETURN = re.compile(r"\breturn\b")
DEFAULT_CODE = """const [one, other] = [a.json.myField, b.json.myField];
return one < other ? -1 : one > other ? 1 : 0;"""
"""What sorts where no code is stored: n8n stores none that is left as it was offered."""


ISSUES = rules(
    Required("fieldName", "Field Name", when={"type": ["simple"]}, inside=("sortFieldsUi", "sortField")),
    defaults={"type": "simple"},
)


@node("sort", [1], issues=ISSUES, groups=["sortFieldsUi"])
async def sort(context: NodeContext) -> Outputs:
    return [await sort_items(context, context.parameters)]


async def sort_items(context: NodeContext, parameters: dict[str, Any]) -> list[Item]:
    """The items in the order that the parameters ask for."""
    asked = await context.resolve_first(
        {
            "type": parameters.get("type", "simple"),
            "fields": (parameters.get("sortFieldsUi") or {}).get("sortField") or [],
            "code": parameters.get("code", DEFAULT_CODE),
            "options": parameters.get("options") or {},
        },
        parameter="sortFieldsUi",
    )
    if asked["type"] == "random":
        return await compute(random.sample, context.items, len(context.items), size=len(context.items) / PLAIN)
    if asked["type"] == "code":
        return await _sort_by_code(context, asked["code"])
    if asked["type"] != "simple":
        raise NodeError(f"The type '{conversions.display(asked['type'])}' of sorting is not supported.")
    dots = not as_group(asked["options"]).get("disableDotNotation")
    context.hold(POINTER * len(asked["fields"]) * len(context.items))
    size = count_steps(context.items, asked["fields"])
    return await compute(sort_by_fields, context.items, asked["fields"], dots, size=size)


def sort_by_fields(items: list[Item], fields: list[dict[str, Any]], dots: bool) -> list[Item]:
    """The items ordered by the first field, where that is equal by the second, and so on. Raises NodeError."""
    if not fields:
        raise NodeError("No sorting specified. Please add a field to sort by")
    keys = [
        (conversions.to_string(field.get("fieldName", "")), field.get("order", "ascending") == "ascending")
        for field in fields
    ]
    for name, _ in keys:
        if all(paths.get(item["json"], name, paths.MISSING, dots=dots) is paths.MISSING for item in items):
            raise NodeError(f"Couldn't find the field '{name}' in the input data")

    def compare(one: list[Any], other: list[Any]) -> int:
        for left, right, (_, ascending) in zip(one, other, keys, strict=True):
            if not _equal(left, right):
                # Values that no comparison orders, such as a text and a number, count as greater, as in n8n.
                return -1 if comparisons.sorts_before(left, right) is ascending else 1
        return 0

    rows = [[_sort_value(item["json"], name, dots) for name, _ in keys] for item in items]

    def compare_places(one: int, other: int) -> int:
        return compare(rows[one], rows[other])

    return [items[place] for place in sorted(range(len(items)), key=cmp_to_key(compare_places))]


def _equal(left: Any, right: Any) -> bool:
    return left is right or comparisons.deep_equal(left, right)


def _sort_value(json: dict[str, Any], name: str, dots: bool) -> Any:
    value = paths.get(json, name, math.nan, dots=dots)
    return value.lower() if isinstance(value, str) else value


async def _sort_by_code(context: NodeContext, code: str) -> list[Item]:
    if not _RETURN.search(code):
        raise NodeError("Sort code doesn't return. Please add a 'return' statement to your code")
    source = (
        "const places = items.map((item, place) => ({ a: { json: item.json, binary: item.binary }, place }));\n"
        f"const compare = (a, b) => {{\n{code}\n}};\n"
        "places.sort((one, other) => compare(one.a, other.a));\n"
        "return places.map(({ place }) => ({ json: { place } }));"
    )
    try:
        result = await context.sandbox.run_code(source, await context.scope([source]))
    except CodeError as error:
        # The program is part of a longer one; n8n always speaks of its first line.
        raise CodeNodeError(_LINE.sub("[line 1]", error.message), description=error.description, line=1) from error
    except SandboxError as error:
        raise NodeError(str(error)) from error
    places = [each["json"].get("place") for each in result.items]
    if not all(isinstance(place, int) and 0 <= place < len(context.items) for place in places):
        # The workflow's code runs beside ours and may have changed what it gives.
        raise NodeError("The sort code has changed the list of items instead of comparing two of them")
    return [context.items[place] for place in places]
