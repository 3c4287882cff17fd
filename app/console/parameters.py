"""The parameters of a node that are expressions, with the values that they had for one of its items."""

from typing import Any

import orjson
from flask import Response, request

from app.api.executions.evaluations import evaluate
from app.api.face.errors import Refused
from app.api.face.reads import from_primary_after_all
from app.console import items as shapes
from app.console.node_panel import read_number
from app.console.pages import page, part
from app.repository.errors import Conflict, ExecutionNotFound, NotFound
from app.schemas.evaluations import ItemPlace, Parameter

MAX_VALUE_LENGTH = 5_000
"""Characters of a value that the page shows."""


@page("/executions/<execution_id>/parameters", scope="execution:read")
def parameter_values(execution_id: str) -> Response:
    """The values for the item that the address names."""
    place = ItemPlace(request.args.get("node", ""), read_number("run"), read_number("item"))
    values, problem = None, None
    try:
        values = from_primary_after_all(evaluate)(execution_id, place)
    except ExecutionNotFound:
        raise
    except (NotFound, Conflict) as error:
        problem = error.message
    except Refused as error:
        problem = str(error)
    shown = [] if values is None else [(each, text_of(each)) for each in values.parameters]
    return part("parts/parameters.html", number=execution_id, at=place, evaluation=values, problem=problem, shown=shown)


def text_of(parameter: Parameter) -> dict[str, Any]:
    """A value as text, cut if it is long, and what kind of value it is."""
    if parameter.missing is not None:
        return {"text": parameter.missing, "kind": "null", "cut": False}
    value = orjson.loads(parameter.value)
    text = value if isinstance(value, str) else shapes.pretty(value)
    return {"text": text[:MAX_VALUE_LENGTH], "kind": shapes.kind_of(value), "cut": len(text) > MAX_VALUE_LENGTH}
