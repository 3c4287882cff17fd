"""What is wrong with a node's parameters before anything has run: required ones left empty, values of another type.

Knows n8n's wording; each node says itself which of its parameters have to be there.
"""

from typing import Any

from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert


def required(parameters: dict[str, Any], **labels: str) -> list[str]:
    """An issue for each of the named parameters that is empty or missing; the label is what the editor calls it."""
    return [
        f'Parameter "{label}" is required.' for name, label in labels.items() if parameters.get(name) in (None, "", [])
    ]


def of_type(name: str, value: Any, kind: str) -> list[str]:
    """An issue if the value is not of the type and cannot be made one; expressions are not known yet."""
    if value is None or (isinstance(value, str) and value.startswith("=")):
        return []
    try:
        if value != "" or kind == "string":
            conversions.convert(value, kind)
            return []
    except CannotConvert:
        pass
    return [f"'{name}' expects a {kind} but we got '{conversions.display(value)}'"]
