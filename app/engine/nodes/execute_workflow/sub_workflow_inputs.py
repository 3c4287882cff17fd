"""What a parent hands over to a sub-workflow: the fields that its node maps, and those that the sub-workflow names."""

from typing import Any

from app.engine.nodes.shared.wrong_inputs import wrong_input
from app.engine.run.computing import compute, count_work, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.items import Item
from app.engine.run.memory import estimate
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert

KINDS = ("string", "number", "boolean", "array", "object")
PARSED = ("array", "object")
"""Those whose texts are read as JSON."""


async def map_fields(context: NodeContext) -> list[Item]:
    """The input items with what the node's fields put into them. Raises NodeError for a value of another type."""
    fields = context.parameters.get("workflowInputs") or {}
    if fields.get("mappingMode") != "defineBelow" or not fields.get("value"):
        return context.items
    entries = [entry for entry in fields.get("schema") or [] if isinstance(entry, dict)]
    kinds = {entry.get("id"): entry.get("type") for entry in entries}
    removed = {entry.get("id") for entry in entries if entry.get("removed")}
    given = {name: value for name, value in fields["value"].items() if name not in removed}
    converting = bool(fields.get("attemptToConvertTypes"))
    mapped = []
    for index, row in enumerate(await context.resolve(given, parameter="workflowInputs")):
        await yield_to_loop()
        mapped.append(await compute(_convert_all, context, row, kinds, converting, index, size=count_work([row])))
    return [{**item, "json": {**item["json"], **values}} for item, values in zip(context.items, mapped, strict=True)]


def _convert_all(
    context: NodeContext, row: dict[str, Any], kinds: dict[Any, Any], converting: bool, index: int
) -> dict[str, Any]:
    for name, value in row.items():
        if kinds.get(name) in PARSED and isinstance(value, str):
            context.hold(estimate(value))
    return {name: _convert(name, value, kinds.get(name), converting, index) for name, value in row.items()}


def _convert(name: str, value: Any, kind: Any, converting: bool, index: int) -> Any:
    if value is None or kind not in KINDS:
        return value
    try:
        made = conversions.convert(value, kind)
    except CannotConvert:
        made = None
    if made is None or not (converting or _is_kind(value, kind)):
        raise wrong_input(name, name, kind, value, index)
    return made


def _is_kind(value: Any, kind: str) -> bool:
    return _kind(value) == kind


def _kind(value: Any) -> str:
    return "array" if isinstance(value, list) else conversions.type_name(value)


def select_fields(parameters: dict[str, Any], version: float, items: list[Item]) -> list[Item]:
    """The items as a sub-workflow's trigger puts them out: with the fields that it names, where it names any.

    Raises CannotConvert for an example that is no JSON.
    """
    names = _names(parameters) if version >= 1.1 else None
    if names is None:
        return items
    return [{**item, "json": {name: item["json"].get(name) for name in names}} for item in items]


def _names(parameters: dict[str, Any]) -> list[str] | None:
    """The fields that a trigger takes; None where it takes everything."""
    source = parameters.get("inputSource", "workflowInputs")
    if source == "passthrough":
        return None
    if source == "jsonExample":
        example = conversions.parse_json(str(parameters.get("jsonExample") or "{}"))
        return list(example) if isinstance(example, dict) else []
    values = (parameters.get("workflowInputs") or {}).get("values") or []
    names = [str(entry["name"]) for entry in values if isinstance(entry, dict) and entry.get("name")]
    return names
