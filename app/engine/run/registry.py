"""Which node types there are: what runs them, and what the graph has to know about them beforehand.

Node modules register themselves here when `app.engine.nodes` imports them; this module knows none of them.
"""

import difflib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from app.engine.run.items import Outputs

if TYPE_CHECKING:
    from app.engine.run.context import NodeContext

RunNode = Callable[["NodeContext"], Awaitable[Outputs | None]]

BASE = "n8n-nodes-base."
EXACT = frozenset(
    {
        "code",
        "crypto",
        "dateTime",
        "emailSend",
        "filter",
        "httpRequest",
        "if",
        "itemLists",
        "merge",
        "postgres",
        "removeDuplicates",
        "set",
        "splitInBatches",
        "switch",
    }
)
"""Types of n8n whose versions are programs of their own: it refuses those that it does not know."""


@dataclass(frozen=True, slots=True)
class NodeType:
    """One node type in some of its versions.

    `outputs` counts the regular outputs, from the parameters where they decide. `inputs_needed` says, from the
    parameters, which inputs must have data before a multi-input node may run without the others (None: any one).
    `issues` tells, from parameters and version, what is wrong with a node before the run.
    """

    name: str
    versions: tuple[float, ...]
    run: RunNode
    trigger: bool = False
    passive: bool = False
    outputs: int | Callable[[dict[str, Any]], int] = 1
    inputs_needed: Callable[[dict[str, Any]], list[int] | int | None] | None = None
    issues: Callable[[dict[str, Any], float], list[str]] | None = None

    def count_outputs(self, parameters: dict[str, Any]) -> int:
        outputs = self.outputs
        return outputs if isinstance(outputs, int) else _asked(lambda: outputs(parameters), 1)

    def needed_inputs(self, parameters: dict[str, Any]) -> list[int] | int | None:
        needed = self.inputs_needed
        return None if needed is None else _asked(lambda: needed(parameters), None)

    def find_issues(self, parameters: dict[str, Any], version: float) -> list[str]:
        find = self.issues
        return [] if find is None else _asked(lambda: find(parameters, version), [])


Answer = TypeVar("Answer")


def _asked(ask: Callable[[], Answer], otherwise: Answer) -> Answer:
    """What a node says about its parameters; malformed ones are reported when it runs, not by asking about them."""
    try:
        return ask()
    except (AttributeError, TypeError, ValueError, KeyError, IndexError):
        return otherwise


_types: dict[tuple[str, float], NodeType] = {}
_versions: dict[str, tuple[float, ...]] = {}


def node(
    name: str,
    versions: Iterable[float],
    *,
    trigger: bool = False,
    passive: bool = False,
    outputs: int | Callable[[dict[str, Any]], int] = 1,
    inputs_needed: Callable[[dict[str, Any]], list[int] | int | None] | None = None,
    issues: Callable[[dict[str, Any], float], list[str]] | None = None,
) -> Callable[[RunNode], RunNode]:
    """Register the decorated function as what runs node type `name` (n8n's name, its usual prefix may be left out)."""
    full_name = name if "." in name else BASE + name

    def register(run: RunNode) -> RunNode:
        node_type = NodeType(full_name, tuple(versions), run, trigger, passive, outputs, inputs_needed, issues)
        for version in node_type.versions:
            if (full_name, version) in _types:
                raise ValueError(f"{full_name} {version} is registered twice")
            _types[full_name, version] = node_type
        _versions[full_name] = tuple(sorted({*_versions.get(full_name, ()), *node_type.versions}))
        return run

    return register


def find(name: str, version: float) -> NodeType | None:
    """What runs this version of a type. Of types that are one program in all versions, as it is in n8n, any goes:
    the nearest one below that is known, else the lowest."""
    found = _types.get((name, version))
    if found is not None or name not in _versions or not name.startswith(BASE) or name[len(BASE) :] in EXACT:
        return found
    known = _versions[name]
    return _types[name, max((each for each in known if each <= version), default=known[0])]


def known_versions() -> dict[str, tuple[float, ...]]:
    return dict(sorted(_versions.items()))


def is_trigger(name: str) -> bool:
    """Whether a node of this type can start a workflow; types that are not installed are told by their name."""
    versions = _versions.get(name)
    if versions:
        return _types[name, versions[0]].trigger
    return name.rsplit(".", 1)[-1].lower().endswith(("trigger", "webhook"))


def explain_unknown(name: str, version: float) -> str:
    """Why `find` has nothing for this type: an unknown name (with the nearest known one) or version."""
    versions = _versions.get(name)
    if versions:
        known = ", ".join(f"{v:g}" for v in versions)
        return f"Node type {name} has no version {version:g}; known versions: {known}"
    short = {known.rsplit(".", 1)[-1].lower(): known for known in _versions}
    near = difflib.get_close_matches(name.rsplit(".", 1)[-1].lower(), short, n=1, cutoff=0.5)
    hint = f"; the nearest known type is {short[near[0]]}" if near else ""
    return f"Unrecognized node type: {name}{hint}"
