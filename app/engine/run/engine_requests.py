"""What a node asks of the engine: to run nodes that hang on it, and to call it again with what they gave."""

from dataclasses import dataclass, field
from typing import Any

from app.engine.run.items import InputSource

Json = dict[str, Any]

MAX_ACTIONS = 1_000
"""So many runs a node may ask for at once."""


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """What a node returns in place of outputs.

    Each action is n8n's: {"nodeName", "input": {...}, "type": "ai_tool", "id", "metadata": {"itemIndex"}}. `metadata`
    comes back with the response; it is JSON.
    """

    actions: list[Json]
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActionResult:
    """One action, and the run that came of it as it stands in the run data."""

    action: Json
    run: Json


@dataclass(frozen=True, slots=True)
class EngineResponse:
    """What came of a request's actions, in their order, and the request's own metadata."""

    results: list[ActionResult]
    metadata: Json


@dataclass(frozen=True, slots=True)
class SubNodeCall:
    """Why a node runs that hangs on another: `place` is that of its action in the request of its root.

    `kind` is the type of the connection. `origin` and `item` say where in the main flow the root's item came from.
    `root` names the node that has asked, where the one that this node hangs on stands between them.
    """

    kind: str
    place: int
    origin: InputSource | None
    item: int
    root: str | None = None
