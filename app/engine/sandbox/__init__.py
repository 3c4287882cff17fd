"""Runs the JavaScript of workflows, which is hostile by assumption, in Node processes without any rights."""

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
