"""What a node's parameters say about its items: the fields that they name, and how they are compared."""

import re
from collections.abc import Iterator
from typing import Any

from tests.templates.shapes import STEP, Reads, Shape, expressions, references

Json = dict[str, Any]
PROGRAMS = ("jsCode", "functionCode", "code")
OWN_FIELD = re.compile(r"""=\s*\{\{\s*\$json((?:\??\.[\w$]+|\[(?:"[^"]*"|'[^']*'|\d+)\])+)\s*\}\}\s*""")
LISTS = {
    "splitOut": ("fieldsToInclude",),
    "aggregate": ("fieldsToInclude", "fieldsToExclude"),
    "summarize": ("fieldsToSplitBy",),
    "removeDuplicates": ("fieldsToCompare",),
    "merge": ("fieldsToMatchString", "propertyName1", "propertyName2"),
}
ENTRIES = {
    "aggregate": ("fieldToAggregate",),
    "itemLists": ("fieldToAggregate", "fieldToInclude", "fieldName", "field"),
    "summarize": ("field",),
    "sort": ("fieldName",),
    "renameKeys": ("currentKey",),
    "merge": ("field1", "field2"),
    "compareDatasets": ("field1", "field2"),
}
NUMBERS = ("sum", "average", "min", "max")


def kind(node: Json) -> str:
    """The short name of a node's type."""
    return str(node.get("type", "")).rsplit(".", 1)[-1]


def parameters(node: Json) -> Json:
    value = node.get("parameters")
    return value if isinstance(value, dict) else {}


def programs(node: Json) -> list[str]:
    return [each for name in PROGRAMS if isinstance(each := parameters(node).get(name), str)]


def referred(node: Json) -> set[str]:
    """The names that the expressions and programs of a node refer to."""
    return set().union(*(references(text) for text in [*expressions(parameters(node)), *programs(node)]))


def reads_of(node: Json) -> Reads:
    """All that a node reads."""
    reads = Reads()
    own, type_name, given = reads.own, kind(node), parameters(node)
    for text in expressions(given):
        reads.scan(text)
    for text in programs(node):
        reads.scan(re.sub(r"(?<![\w$.])[ab]\.json", " item.json", text), program=True)
    for name in LISTS.get(type_name, ()):
        for each in _names(given.get(name)):
            own.path(each)
    for entry in _dicts(given):
        for name in ENTRIES.get(type_name, ()):
            own.path(entry.get(name), hint="number" if entry.get("aggregation") in NUMBERS else None)
        _note_condition(entry, own)
    if type_name in ("splitOut", "itemLists"):
        for each in _names(given.get("fieldToSplitOut")):
            own.path(each, is_list=True)
    if type_name == "xml" or (type_name == "html" and given.get("operation") == "extractHtmlContent"):
        own.path(given.get("dataPropertyName") or "data", hint=type_name)
    return reads


def _names(value: Any) -> list[str]:
    return [each.strip() for each in value.split(",")] if isinstance(value, str) and not value.startswith("=") else []


def _dicts(value: Any, depth: int = 20) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
    if depth and isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _dicts(each, depth - 1)


def _note_condition(entry: Json, own: Shape) -> None:
    left, right, operator = entry.get("leftValue"), entry.get("rightValue"), entry.get("operator")
    found = OWN_FIELD.fullmatch(left) if isinstance(left, str) else None
    if found is None or not isinstance(operator, dict):
        return
    shape, at = own, 0
    while step := STEP.match(found[1], at):
        at = step.end()
        if step["index"] is None:
            shape = shape.child(step["name"] or step["double"] or step["single"])
        else:
            shape.is_list = True
    hint = {"number": "number", "boolean": "boolean", "dateTime": "date", "object": "object"}.get(
        str(operator.get("type"))
    )
    if hint:
        shape.hints.add(hint)
    shape.is_list |= operator.get("type") == "array"
    if isinstance(right, str) and right and not right.startswith("="):
        shape.texts.append(right)
