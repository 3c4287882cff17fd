"""Sticky Note: a remark on the canvas; never runs."""

from app.engine.run.context import NodeContext
from app.engine.run.items import Outputs
from app.engine.run.registry import node


@node("stickyNote", [1], passive=True)
async def sticky_note(context: NodeContext) -> Outputs | None:
    return None
