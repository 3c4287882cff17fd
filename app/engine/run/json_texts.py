"""JSON in texts that workflows hold: read beside the loop where it is large, and only where there is memory for it."""

from typing import Any

from app.engine.run.computing import BYTES_OF_ONE, compute
from app.engine.run.context import NodeContext
from app.engine.run.memory import estimate
from app.engine.values import conversions


async def parse_json(context: NodeContext, text: str) -> Any:
    """The JSON value in a text. Raises CannotConvert, and TooMuchData where the run cannot hold the value."""
    size = len(text) // BYTES_OF_ONE
    context.hold(await compute(estimate, text, size=size))
    return await compute(conversions.parse_json, text, size=size)
