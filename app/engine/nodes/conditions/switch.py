"""Switch, version 3: sends each item to the output whose rule it meets."""

import math
from typing import Any

from app.engine.nodes.conditions import conditions
from app.engine.nodes.shared.issues import Typed, rules
from app.engine.nodes.shared.wrong_inputs import wrong_input
from app.engine.run.computing import PLAIN, compute, slice_is_over, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Outputs
from app.engine.run.memory import LIST, POINTER
from app.engine.run.registry import node
from app.engine.values import conversions
from app.engine.values.conversions import Undefined


def _rules(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    rules = parameters.get("rules", {"values": [{}]})
    values = rules.get("values") if isinstance(rules, dict) else None
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _count_outputs(parameters: dict[str, Any]) -> int:
    if parameters.get("mode", "rules") == "expression":
        number = parameters.get("numberOutputs")
        return number if isinstance(number, int) else 4
    extra = as_group(parameters.get("options")).get("fallbackOutput") == "extra"
    return len(_rules(parameters)) + (1 if extra else 0)


ISSUES = rules(Typed("output", "number", when={"mode": ["expression"]}), defaults={"mode": "rules"})


@node(
    "switch",
    [3, 3.1, 3.2, 3.3, 3.4],
    outputs=_count_outputs,
    issues=ISSUES,
    plain=["mode"],
    exact=True,
    groups=["rules"],
)
async def switch(context: NodeContext) -> Outputs:
    by_expression = context.parameters.get("mode", "rules") == "expression"
    number = await context.resolve_first(context.parameters.get("numberOutputs"))
    count = _count_outputs({**context.parameters, "numberOutputs": number})
    context.hold(count * (POINTER + LIST))
    outputs: Outputs = [[] for _ in range(max(1, count))]
    places = await (_by_expression(context, count) if by_expression else _by_rules(context))
    for item, item_places in zip(context.items, places, strict=True):
        if slice_is_over():
            await yield_to_loop()
        for place in item_places:
            if isinstance(place, int):
                outputs[place].append(item)
            elif context.continues_on_fail:
                outputs[0].append({"json": {"error": place.message}})
            else:
                raise place
    return outputs


async def _by_expression(context: NodeContext, count: int) -> list[list[int | NodeError]]:
    values = await context.resolve_each(context.parameters.get("output", 0), parameter="output", exact=True)
    return await compute(_validate_places, values, count, size=len(values) / PLAIN)


def _validate_places(values: list[Any], count: int) -> list[list[int | NodeError]]:
    return [
        [value if isinstance(value, NodeError) else _read_place(value, count, index)]
        for index, value in enumerate(values)
    ]


def _read_place(value: Any, count: int, index: int) -> int | NodeError:
    if value is not None and math.isnan(conversions.to_number(value)) and not isinstance(value, Undefined):
        return wrong_input("Output Index", "output", "number", value, index)
    return _validate_place(value, count, index)


def _validate_place(value: Any, count: int, index: int) -> int | NodeError:
    number = math.nan if value is None or isinstance(value, Undefined) else conversions.to_number(value)
    if not 0 <= number < count or number != int(number):
        shown = conversions.to_string(value)
        # The spelling is n8n's, and what its clients look for.
        message = f"The ouput {shown} is not allowed"
        if number != count:
            return NodeError(message, description=f"It has to be between 0 and {count - 1}", item_index=index)
        return NodeError(
            f"{message}. ",
            description=f"Output indexes are zero based, if you want to use the extra output use {count - 1}",
            item_index=index,
        )
    return int(number)


async def _by_rules(context: NodeContext) -> list[list[int | NodeError]]:
    rules = _rules(context.parameters)
    options = as_group(context.parameters.get("options"))
    wanted = {
        "rules": [{} if rule.get("conditions") is None else rule["conditions"] for rule in rules],
        "fallback": options.get("fallbackOutput", "none"),
        "all": options.get("allMatchingOutputs", False),
    }
    resolved = await context.resolve_each(wanted, parameter="rules", exact=True)
    size = len(resolved) / PLAIN
    columns = [
        await conditions.evaluate(context, await compute(_filters_of, resolved, number, size=size))
        for number in range(len(rules))
    ]
    return await compute(_places, resolved, columns, size=size)


def _filters_of(resolved: list[Any], number: int) -> list[Any]:
    """For each item the conditions of this rule, or why there are none."""
    return [each if isinstance(each, NodeError) else each["rules"][number] for each in resolved]


def _places(resolved: list[Any], columns: list[list[bool | NodeError]]) -> list[list[int | NodeError]]:
    return [
        [each] if isinstance(each, NodeError) else _matching_outputs([column[index] for column in columns], each, index)
        for index, each in enumerate(resolved)
    ]


def _matching_outputs(results: list[bool | NodeError], asked: dict[str, Any], index: int) -> list[int | NodeError]:
    """The outputs whose rules hold, the first only unless all are asked for; else the fallback.

    A rule that fails comes last, and what the rules before it have found stays.
    """
    places: list[int | NodeError] = []
    for place, result in enumerate(results):
        if isinstance(result, NodeError):
            return [*places, result]
        if result:
            places.append(place)
            if not asked["all"]:
                break
    if places:
        return places
    fallback = asked["fallback"]
    if fallback == "extra":
        return [len(results)] if results else []
    return [] if fallback in ("none", None) else [_validate_place(fallback, len(results), index)]
