"""What n8n says of a value of another type than a parameter wants."""

from typing import Any

from app.engine.run.errors import NodeError
from app.engine.values import conversions

MAX_SHOWN = 1000
"""So many characters of the value are shown."""


def wrong_input(label: str, name: str, kind: str, value: Any, item: int) -> NodeError:
    """The error of an item; `label` is what the editor calls the parameter, `kind` the type that it wants."""
    if isinstance(value, dict | list):
        shown = "array" if isinstance(value, list) else "object"
    else:
        shown = f"'{conversions.to_string(value)[:MAX_SHOWN]}'"
    return NodeError(
        f"Invalid input for '{label}' [item {item}]",
        description=f"'{name}' expects a {kind} but we got {shown}",
        name="ExpressionError",
        item_index=item,
        anonymous=True,
    )
