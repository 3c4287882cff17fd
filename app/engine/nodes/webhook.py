"""Webhook: starts a workflow with what a call brought; the call itself is taken by whoever runs workflows."""

from app.engine.context import NodeContext
from app.engine.registry import Outputs, node


@node("webhook", [1, 1.1, 2, 2.1], trigger=True)
async def webhook(context: NodeContext) -> Outputs:
    return [context.items]
