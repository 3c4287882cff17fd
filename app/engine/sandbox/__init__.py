"""Runs the JavaScript of workflows, which is hostile by assumption, in Node processes without any rights.

The walls, from the inside out:

- a context in which code cannot be made from strings and no object of the host is within reach: only strings cross,
  through functions hidden in closures
- expressions share one context: all that they share is frozen, and all that they run is written anew from a checked
  syntax tree
- the host's own intrinsics are frozen, too
- the process has Node's permission model without any permission, an empty environment, limits on memory, and the walls
  of the operating system
- a process serves one project
- the worker kills it when a request takes too long or it does not answer, and believes nothing that it says

`js/` is the program (`js/realm/` what runs inside the contexts), which `program.py` hands over as one text and
`process.py` starts behind `walls.py`. `interpreter.py` keeps one project's process alive, `pool.py` distributes
the processes, `checks.py` validates the answers.
"""

from app.engine.sandbox.errors import (
    MEMORY_SETTING,
    CodeError,
    ExpressionError,
    SandboxError,
    SandboxMemory,
    SandboxTimeout,
)
from app.engine.sandbox.references import referenced_nodes
from app.engine.sandbox.sandbox import CodeResult, Sandbox

__all__ = [
    "MEMORY_SETTING",
    "CodeError",
    "CodeResult",
    "ExpressionError",
    "Sandbox",
    "SandboxError",
    "SandboxMemory",
    "SandboxTimeout",
    "referenced_nodes",
]
