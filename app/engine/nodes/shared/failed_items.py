"""The item that a node outputs in place of one that it has failed for."""

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.items import Item


def failed_item(context: NodeContext, error: NodeError, index: int) -> Item:
    """The error as an item, where the node's settings let the other items go on. Raises the error where not."""
    if not context.continues_on_fail:
        raise error
    forget_frames(error)
    context.hold(len(error.message))  # which may tell of a long value, for each item anew
    return {"json": {"error": error.message}, "pairedItem": {"item": index}}
