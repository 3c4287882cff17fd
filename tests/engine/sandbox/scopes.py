"""Two items, and what the sandbox is told of a run that has them."""

from typing import Any

ADA = {"name": "Ada", "n": 7, "x": 2.5, "ok": True, "none": None, "tags": ["b", "a"], "o": {"k": 1}}
BOB = {"name": "Bob", "n": 12, "x": 0, "ok": False, "none": None, "tags": [], "o": {}}


def scope(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    wrapped = [{"json": item} for item in items or (ADA,)]
    nodes = {"Start": {"runs": [[wrapped]], "paired": [[0, 0, index] for index in range(len(wrapped))]}}
    return {"items": wrapped, "nodes": nodes, "nodeNames": ["Start", "Later"], "timezone": "UTC", **more}
