"""How Node.js names a value that is of another type than it takes, in its message `Received ...`."""

from typing import Any

from app.engine.values import conversions
from app.engine.values.conversions import Undefined


def received(value: Any) -> str:
    """What a sentence of Node.js says that it has received."""
    if value is None or isinstance(value, Undefined):
        return "null" if value is None else "undefined"
    if isinstance(value, dict | list):
        return f"an instance of {'Array' if isinstance(value, list) else 'Object'}"
    return f"type {conversions.type_name(value)} ({conversions.to_string(value)})"
