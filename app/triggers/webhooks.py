"""Webhook nodes: the addresses that they ask for, and how a call finds the one that it means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from app.triggers import InvalidTrigger, invalid_when_malformed, trigger_nodes
from app.triggers.paths import path_as_called
from app.triggers.webhook_settings import STREAMING, WebhookSettings, read_settings, response_mode

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

PREFLIGHT = "OPTIONS"
"""What browsers ask by before they call: a node may name it, but it is always answered without a run."""

MAX_WEBHOOKS = 100
"""Nodes of one workflow: each is evaluated, checked and registered when the workflow is activated or saved."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One method and path of a Webhook node.

    A path with parameters (`orders/:id`) stands behind the node's `webhook_id`, as in n8n; `pattern` is the path
    with each parameter as `:`. `settings` says how to answer and whom to let in.
    """

    node: str
    method: str
    path: str
    webhook_id: str | None
    pattern: str
    settings: WebhookSettings


def webhooks_of(document: dict[str, Any]) -> list[Webhook]:
    """The webhooks of a workflow.

    Raises InvalidTrigger for one without a path or with an unknown method, and for too many of them.
    """
    check_number(document)
    webhooks: list[Webhook] = []
    ways: WaysToResponse | None = None
    for node in trigger_nodes(document, "webhook"):
        with invalid_when_malformed(node):
            ways = ways or WaysToResponse(document)
            webhooks += read_node(node, problem=explain_mismatch(ways, node))
    return webhooks


def check_number(document: dict[str, Any]) -> None:
    """Raise InvalidTrigger for a workflow with more webhook nodes than it can have."""
    number = len(trigger_nodes(document, "webhook"))
    if number > MAX_WEBHOOKS:
        raise InvalidTrigger(f"A workflow can have at most {MAX_WEBHOOKS} webhook nodes: {number} given")


class WaysToResponse:
    """From where a way leads to a Respond to Webhook node: found once for all webhooks of a workflow."""

    def __init__(self, document: dict[str, Any]) -> None:
        """Looks at each connection twice at most."""
        self._sources: dict[str, list[str]] = {}
        for source, outputs in (document.get("connections") or {}).items():
            for output in (outputs or {}).get("main") or []:
                for target in output or []:
                    self._sources.setdefault(target["node"], []).append(source)
        responding = [node["name"] for node in trigger_nodes(document, "respondToWebhook")]
        waits = {
            wait["name"]
            for wait in trigger_nodes(document, "wait")
            if (wait.get("parameters") or {}).get("resume") == "webhook"
        }
        kind = "n8n-nodes-base.respondToWebhook"
        every = [node["name"] for node in document.get("nodes") or [] if node.get("type") == kind]
        self.any = self._nodes_before(every, set())
        """From here to one that may be switched off: the caller is answered with nothing then."""
        self.without_wait = self._nodes_before(responding, waits)
        """From here without passing a node that waits for a call of its own."""

    def _nodes_before(self, responding: list[str], barred: set[str]) -> set[str]:
        before: set[str] = set()
        due = list(responding)
        while due:
            for source in self._sources.get(due.pop(), ()):
                if source not in before:
                    before.add(source)
                    if source not in barred:
                        due.append(source)
        return before


def explain_mismatch(ways: WaysToResponse, node: dict[str, Any]) -> str | None:
    """Why a webhook's mode of answering does not go with the nodes that follow it, in n8n's words."""
    mode = response_mode(node)
    if mode == "responseNode":
        if node["name"] not in ways.any:
            return "No Respond to Webhook node found in the workflow"
    elif node["name"] in ways.without_wait and mode != STREAMING:
        return "Unused Respond to Webhook node found in the workflow"
    return None


def read_node(node: dict[str, Any], *, problem: str | None) -> list[Webhook]:
    """The webhooks of one node: one for each of its methods. `problem` is what its callers are told instead."""
    name, parameters = node["name"], node.get("parameters") or {}
    path = path_as_called(name, str(parameters.get("path") or node.get("webhookId") or ""))
    if not path:
        raise InvalidTrigger(f"Webhook node '{name}' has no path")
    segments = path.split("/")
    dynamic = any(segment.startswith(":") for segment in segments)
    webhook_id = str(node.get("webhookId") or "") or None
    if dynamic and webhook_id is None:
        raise InvalidTrigger(f"Webhook node '{name}' has a path with parameters but no webhookId")
    if dynamic and ("/" in str(webhook_id) or path_as_called(name, str(webhook_id)) != webhook_id):
        raise InvalidTrigger(f"The webhookId of node '{name}' must be a part of an address: nothing could call it")
    pattern = "/".join(":" if segment.startswith(":") else segment for segment in segments)
    settings = read_settings(node, problem=problem)
    return [
        Webhook(name, method, path, webhook_id if dynamic else None, pattern, settings)
        for method in read_methods(name, parameters)
    ]


def read_methods(name: str, parameters: dict[str, Any]) -> list[str]:
    """The methods that a node names."""
    asked = parameters.get("httpMethod") or (["GET", "POST"] if parameters.get("multipleMethods") else "GET")
    methods = [str(method).upper() for method in (asked if isinstance(asked, list) else [asked])]
    for method in methods:
        if method not in (*METHODS, PREFLIGHT):
            raise InvalidTrigger(f"Webhook node '{name}' has an unknown method '{method}'")
    return sorted(set(methods))


class Addressed(Protocol):
    """What can be found by a path."""

    @property
    def pattern(self) -> str:
        """The path with each parameter as `:`."""


Found = TypeVar("Found", bound=Addressed)


def best_match(path: str, candidates: Sequence[Found]) -> Found | None:
    """Of webhooks whose patterns may fit a path, the one with the most literal segments."""
    fitting = [candidate for candidate in candidates if fits(path, candidate.pattern)]
    return max(fitting, key=lambda candidate: literal_segments(candidate.pattern), default=None)


def fits(path: str, pattern: str) -> bool:
    """Whether each segment of the path is the pattern's, or meets a parameter."""
    given, wanted = path.split("/"), pattern.split("/")
    return len(given) == len(wanted) and all(w in (":", g) for g, w in zip(given, wanted, strict=True))


def literal_segments(pattern: str) -> int:
    """How many segments of a pattern are no parameters."""
    return sum(segment != ":" for segment in pattern.split("/"))


def path_parameters(path: str, declared: str) -> dict[str, str]:
    """The values that a called path has for the parameters of a declared one."""
    pairs = zip(declared.split("/"), path.split("/"), strict=True)
    return {name[1:]: value for name, value in pairs if name.startswith(":")}
