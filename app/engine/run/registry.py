"""Where node modules register their types when they are imported; this module knows none of them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import EngineRequest
from app.engine.run.issues import Issue
from app.engine.run.items import Outputs
from app.engine.run.node_types import BASE, Emit, NodeType, NodeTypes

RunNode = Callable[[NodeContext], Awaitable[Outputs | EngineRequest | None]]

registered = NodeTypes()
"""What the modules imported so far have registered; app.engine.nodes.load imports all and hands it out."""


def node(
    name: str,
    versions: Iterable[float],
    *,
    trigger: bool = False,
    passive: bool = False,
    exact: bool = False,
    outputs: int | Callable[[dict[str, Any]], int] = 1,
    inputs_needed: Callable[[dict[str, Any]], list[int] | int | None] | None = None,
    issues: Callable[[dict[str, Any], float], list[Issue]] | None = None,
    credentials: Callable[[dict[str, Any], float], list[str]] | None = None,
    plain: Iterable[str] = (),
    groups: Iterable[str] = (),
    by_hand: bool = False,
    wraps_expression_errors: bool = False,
    poll: Callable[[NodeContext], Awaitable[Outputs | None]] | None = None,
    listen: Callable[[NodeContext, Emit], Awaitable[None]] | None = None,
    supply: Callable[[NodeContext], Awaitable[Any]] | None = None,
    approval: Mapping[str, Any] | None = None,
) -> Callable[[RunNode], RunNode]:
    """Register the decorated function as what runs node type `name` (n8n's name, its usual prefix may be left out).

    The other arguments are those of NodeType.
    """
    full_name = name if "." in name else BASE + name

    def register(run: RunNode) -> RunNode:
        registered.add(
            NodeType(
                full_name,
                tuple(versions),
                run,
                trigger=trigger,
                passive=passive,
                exact=exact,
                outputs=outputs,
                inputs_needed=inputs_needed,
                issues=issues,
                credentials=credentials,
                plain=frozenset(plain),
                groups=frozenset(groups),
                by_hand=by_hand,
                wraps_expression_errors=wraps_expression_errors,
                poll=poll,
                listen=listen,
                supply=supply,
                approval=approval,
            )
        )
        return run

    return register
