"""Runs the JavaScript of workflows, which is hostile by assumption, in Node processes without any rights.

The walls, from the inside out: a context in which code cannot be made from strings and no object of the host is
within reach (only strings cross, through functions hidden in closures); for expressions, which share one context, all
that they share is frozen; the host's own intrinsics are frozen, too; the process has Node's permission model (it may
read its own program and nothing else), an empty environment, limits on memory, and dies with its worker; the worker
kills it when a request takes too long.

`js/` is the program, `js/realm/` what runs inside the contexts, `interpreter.py` what keeps the processes alive.
"""

from app.engine.sandbox.errors import CodeError, ExpressionError, SandboxError, SandboxMemory, SandboxTimeout
from app.engine.sandbox.references import referenced_nodes
from app.engine.sandbox.sandbox import CodeResult, Sandbox

__all__ = [
    "CodeError",
    "CodeResult",
    "ExpressionError",
    "Sandbox",
    "SandboxError",
    "SandboxMemory",
    "SandboxTimeout",
    "referenced_nodes",
]
