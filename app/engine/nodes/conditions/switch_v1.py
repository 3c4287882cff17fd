"""Switch, versions 1 and 2: one value, compared by each rule in turn."""

import math
from typing import Any

from app.engine.nodes.conditions import old_conditions
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.items import Outputs
from app.engine.run.memory import LIST, POINTER
from app.engine.run.registry import node
from app.engine.values import conversions
from app.engine.values.conversions import Undefined

NOWHERE = object()
"""The place of an item that no rule sends anywhere."""


def _rules(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    return list((parameters.get("rules") or {}).get("rules") or [])


def _count_v2(parameters: dict[str, Any]) -> int:
    if parameters.get("mode", "rules") == "expression":
        amount = parameters.get("outputsAmount", 4)
        return amount if isinstance(amount, int) else 4
    return len(_rules(parameters))


@node("switch", [1], outputs=4, exact=True, groups=["rules"])
async def switch_v1(context: NodeContext) -> Outputs:
    return await _switch(context, 4)


@node("switch", [2], outputs=_count_v2, exact=True, groups=["rules"])
async def switch_v2(context: NodeContext) -> Outputs:
    return await _switch(context, _count_v2(context.parameters))


async def _switch(context: NodeContext, count: int) -> Outputs:
    context.hold(count * (POINTER + LIST))
    outputs: Outputs = [[] for _ in range(count)]
    mode = context.parameters.get("mode", "rules")
    if mode not in ("rules", "expression"):
        raise NodeError(f"The Switch node's mode '{conversions.display(mode)}' is not supported.")
    if mode == "expression":
        places: list[Any] = await context.resolve_each(
            context.parameters.get("output", 0), parameter="output", exact=True
        )
    else:
        places = await _by_rules(context)
    for index, (item, place) in enumerate(zip(context.items, places, strict=True)):
        try:
            output = _validate_place(place, count, index)
        except NodeError as error:
            if not context.continues_on_fail:
                raise
            forget_frames(error)
            outputs[0].append({"json": {"error": error.message}})
            continue
        if output is not None:
            outputs[output].append(item)
    return outputs


def _validate_place(place: Any, count: int, index: int) -> int | None:
    """The output to send an item to; None for nowhere. Raises NodeError."""
    if isinstance(place, NodeError):
        raise place
    if place is NOWHERE:
        return None
    number = math.nan if place is None or isinstance(place, Undefined) else conversions.to_number(place)
    if not 0 <= number < count or number != int(number):
        shown = conversions.to_string(place)
        # The spelling is n8n's, and what its clients look for.
        raise NodeError(f"The ouput {shown} is not allowed. It has to be between 0 and {count - 1}!", item_index=index)
    return int(number)


async def _by_rules(context: NodeContext) -> list[Any]:
    """For each item the output of the first rule that holds, else the fallback, or a NodeError."""
    parameters = context.parameters
    kind = conversions.display(parameters.get("dataType", "number"))
    if kind not in old_conditions.NOTHING and not kind.startswith("="):
        return [NodeError(f"The Switch node's data type '{kind}' is not supported.")] * len(context.items)
    wanted = {
        "kind": kind,
        "value": parameters.get("value1", old_conditions.NOTHING.get(kind)),
        "rules": _rules(parameters),
        "fallback": parameters.get("fallbackOutput", -1),
    }
    resolved = await context.resolve_each(wanted, parameter="rules")
    rows = await old_conditions.read_all(context.items, resolved, _conditions)
    return [
        each if isinstance(each, NodeError) else _first_matching_output(results, each, context.version)
        for each, results in zip(resolved, await old_conditions.evaluate(context, rows), strict=True)
    ]


def _conditions(asked: dict[str, Any]) -> list[old_conditions.OldCondition]:
    kind = conversions.display(asked["kind"])
    default, nothing = old_conditions.DEFAULTS.get(kind, "equal"), old_conditions.NOTHING.get(kind)
    return [
        old_conditions.OldCondition(kind, rule.get("operation", default), asked["value"], rule.get("value2", nothing))
        for rule in asked["rules"]
    ]


def _first_matching_output(results: list[bool | NodeError], asked: dict[str, Any], version: float) -> Any:
    for number, (rule, result) in enumerate(zip(asked["rules"], results, strict=True)):
        if isinstance(result, NodeError):
            return result
        if result:
            return rule.get("output", 0) if version == 1 else number
    fallback = asked["fallback"]
    return NOWHERE if fallback in (-1, "-1", None) else fallback
