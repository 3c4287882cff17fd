"""Parameters of the type filter: whether their conditions hold, decided here as our own nodes decide it.

What a filter compares comes from expressions, and its patterns are the workflow's: both stay in the sandbox, and the
package's process gets what came of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.engine.nodes.conditions import conditions
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.packages.parameters import Path, described_in

Json = dict[str, Any]


async def evaluate_filters(
    context: NodeContext, properties: Sequence[Json], parameters: Mapping[str, Any]
) -> list[Json]:
    """What each filter among the completed parameters gives for each item: [{path, results}].

    A result is a boolean, {error: {...}} where it cannot be told, or None where the parameter holds no filter.
    Raises NodeError where the sandbox itself fails.
    """
    filters = dict(filters_in(properties, parameters, ()))
    return [{"path": path, "results": await _results(context, value)} for path, value in filters.items()]


def filters_in(properties: Any, values: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """The filters of a level and of those below it: (path, value)."""
    if isinstance(values, list):
        for place, each in enumerate(values):
            yield from filters_in(properties, each, (*path, place))
        return
    for described in described_in(properties) if isinstance(values, dict) else ():
        name = described["name"]
        if name not in values:
            continue
        kind, value, options = described.get("type"), values[name], described.get("options")
        if kind == "filter":
            yield (*path, name), value
        elif kind == "collection":
            yield from filters_in(options, value, (*path, name))
        elif kind == "fixedCollection" and isinstance(value, dict):
            for option in described_in(options):
                below = option["name"]
                yield from filters_in(option.get("values"), value.get(below), (*path, name, below))


async def _results(context: NodeContext, value: Any) -> list[Any]:
    filters = await context.resolve_each(value, exact=True)
    told = await conditions.evaluate(context, filters)
    return [_result_json(result) if _is_filter(each) else None for each, result in zip(filters, told, strict=True)]


def _is_filter(value: Any) -> bool:
    return isinstance(value, NodeError) or (isinstance(value, dict) and value.keys() >= {"conditions", "combinator"})


def _result_json(result: bool | NodeError) -> bool | Json:
    if not isinstance(result, NodeError):
        return result
    about = {"name": result.name, "message": result.message, "description": result.description}
    return {"error": {name: each for name, each in about.items() if each is not None}}
