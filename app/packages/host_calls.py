"""A call of the host on behalf of a node: whose it is, and how its errors are told."""

from __future__ import annotations

from typing import Any, TypedDict

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.packages.host import ACTING, LISTENING, Host
from app.packages.host_errors import HostComputing, HostError, HostTimeout
from app.packages.surroundings import Surroundings

Json = dict[str, Any]


class ComputedTooLong(NodeError):
    """A node's code has computed without a pause until it was ended."""


EMBEDDING = "ai_embedding"
"""What hangs on stores of vectors."""


class CallOwner(TypedDict):
    """The project, the execution and the subject of a call, as Host.call takes them."""

    project: str
    execution: str
    subject: str


async def call_host(
    host: Host,
    context: NodeContext,
    surroundings: Surroundings,
    request: Json,
    *,
    mode: str = ACTING,
    service_seconds: float | None = None,
    awaited: bool | None = None,
) -> Json:
    """What the process of the node's package answers to a request. Raises NodeError.

    `service_seconds` is for a call that does little but ask a service: so long that may take. `awaited`: somebody waits
    for it (None: where somebody waits for the execution).
    """
    waits = context.execution.ports.awaited if awaited is None else awaited
    ask, channel, owner = surroundings.ask, surroundings.channel, owner_of(context, mode)
    try:
        return await host.call(
            request, ask, channel, service_seconds, **owner, mode=mode, awaited=waits, admit=context.admit
        )
    except HostTimeout as error:
        silent = f"The service did not answer within {service_seconds:g} seconds" if service_seconds else str(error)
        raise NodeError(silent) from error
    except HostError as error:
        raise node_error(error, context) from error


def node_error(error: HostError, context: NodeContext) -> NodeError:
    """What the node is said to have failed with."""
    if not isinstance(error, HostComputing):
        return NodeError(str(error))
    package = context.node.type.rpartition(".")[0]
    return ComputedTooLong(str(error), description=f"That was code of the package {package}, not a service.")


def owner_of(context: NodeContext, mode: str = ACTING) -> CallOwner:
    """Whom the calls of a node belong to: they share no process with those of others."""
    return {
        "project": context.sandbox.project_id,
        "execution": context.execution.ports.root,
        "subject": _subject(context, mode),
    }


def _subject(context: NodeContext, mode: str) -> str:
    """What is set apart together: a trigger that listens, or else all nodes of a workflow, with what they remember.

    What a workflow keeps in a store of vectors is looked for by other workflows, too: such a one is not set apart.
    """
    graph = context.state.graph
    if mode == LISTENING:
        return f"{graph.id} {context.node.name}"
    return "" if any(EMBEDDING in node.attached for node in graph.nodes.values()) else graph.id
