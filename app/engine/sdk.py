"""What a node type is written with, under names that stay: import it from here in a package of your own.

A function decorated with `node` takes a NodeContext and returns Outputs, or None where nothing goes on. It raises
NodeError for what the workflow does wrong; an EngineRequest has the engine run nodes that hang on this one, and call it
again. `required` and `of_type` make the issues that are reported before a run; `evaluate_javascript` and `run_program`
run JavaScript of the node's own in the sandbox.
"""

from app.engine.nodes.shared.issues import of_type, required
from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import EngineRequest, EngineResponse
from app.engine.run.errors import NodeError, WaitRequested
from app.engine.run.items import Item, Outputs
from app.engine.run.programs import evaluate_javascript, run_program
from app.engine.run.registry import node
from app.engine.run.sub_nodes import attached, begin_use, context_of, end_use, supplied, supplied_one, use_as_tool

__all__ = [
    "EngineRequest",
    "EngineResponse",
    "Item",
    "NodeContext",
    "NodeError",
    "Outputs",
    "WaitRequested",
    "attached",
    "begin_use",
    "context_of",
    "end_use",
    "evaluate_javascript",
    "node",
    "of_type",
    "required",
    "run_program",
    "supplied",
    "supplied_one",
    "use_as_tool",
]
