"""What a node type is written with, under names that stay: import it from here in a package of your own.

A function decorated with `node` takes a NodeContext and returns Outputs, or None where nothing goes on. It raises
NodeError for what the workflow does wrong. `required` and `of_type` make the issues that are reported before a run.
"""

from app.engine.nodes.shared.issues import of_type, required
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, WaitRequested
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node

__all__ = ["Item", "NodeContext", "NodeError", "Outputs", "WaitRequested", "node", "of_type", "required"]
