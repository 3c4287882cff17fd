"""Fields that a node is asked for and that no item has: it goes on without them, and its run's hints say so."""

from collections.abc import Iterable
from typing import Any

from app.engine.run.context import NodeContext
from app.engine.values import paths


def is_missing(documents: Iterable[dict[str, Any]], name: str, *, dots: bool) -> bool:
    """Whether none of the documents has the field; one that is null is there."""
    return all(paths.get(document, name, paths.MISSING, dots=dots) is paths.MISSING for document in documents)


def hint_missing(context: NodeContext, names: Iterable[str]) -> None:
    """Add a hint for each of these fields, in the form by which n8n's editor counts them."""
    for name in names:
        context.hold(3 * len(name))
        group = {"key": "fieldNotFound", "summary": "{count} fields weren't found in your input items", "label": name}
        message = f"The field '{name}' wasn't found in any input item"
        context.hints.append({"message": message, "location": "outputPane", "group": group})
