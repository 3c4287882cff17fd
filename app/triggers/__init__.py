"""What starts executions, read from a workflow document: webhooks, forms, chats, MCP servers, schedules, polls.

Knows n8n's trigger nodes and their parameters; knows no SQL, no HTTP and nothing of how workflows run.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

STARTS_WORKFLOWS = re.compile(r"(trigger|webhook|\.cron|\.interval|\.emailReadImap)$", re.IGNORECASE)
BY_HAND = "n8n-nodes-base.manualTrigger"


class InvalidTrigger(Exception):
    """A trigger node's parameters say nothing that could be followed; the message names the node."""


@contextmanager
def invalid_when_malformed(node: dict[str, Any]) -> Iterator[None]:
    """Raise InvalidTrigger for parameters of another kind than they should be."""
    try:
        yield
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise InvalidTrigger(f"The parameters of node '{node.get('name')}' cannot be read: {problem}") from error


def has_trigger(document: Mapping[str, Any]) -> bool:
    """Whether a node that is switched on can start the workflow without a person's doing."""
    return any(
        STARTS_WORKFLOWS.search(str(node.get("type"))) and node.get("type") != BY_HAND and not node.get("disabled")
        for node in document.get("nodes") or []
    )


def trigger_nodes(document: dict[str, Any], *types: str) -> list[dict[str, Any]]:
    """The nodes of these types (without n8n's prefix) that are switched on."""
    wanted = {f"n8n-nodes-base.{name}" for name in types}
    return [node for node in document.get("nodes") or [] if node.get("type") in wanted and not node.get("disabled")]
