"""Nodes of packages that send a message to people and wait for their answer (n8n's "Send and Wait for Response")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.engine.nodes.shared.questions import SEND_AND_WAIT, approval_parameters

Json = dict[str, Any]


def approval_of(description: Mapping[str, Any]) -> Json | None:
    """The parameters by which a node asks for approval; None for one that cannot wait for an answer."""
    if not description.get("webhooks"):
        return None
    for each in description.get("properties") or []:
        if not isinstance(each, dict) or each.get("name") != "operation":
            continue
        choices = each.get("options")
        if isinstance(choices, list) and any(_is_wait(choice) for choice in choices):
            show = (each.get("displayOptions") or {}).get("show") or {}
            resources = show.get("resource")
            resource = resources[0] if isinstance(resources, list) and resources else None
            return approval_parameters() if resource is None else {**approval_parameters(), "resource": resource}
    return None


def _is_wait(choice: Any) -> bool:
    return isinstance(choice, dict) and choice.get("value") == SEND_AND_WAIT
