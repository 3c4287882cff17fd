"""The ids that n8n gives to nodes that come without: each its own, and one for its address where it is called.

Knows n8n's names of such nodes; knows nothing of how they run.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

SERVICES = re.findall(
    r"\w+",
    """
    activeCampaign acuityScheduling affinity asana autopilot awsSns bitbucket box cal calendly chargebee ciscoWebex
    clickUp convertKit copper currents customerIo emelia eventbrite facebook facebookLeadAds figma flow form formIo
    formstack getResponse github gitlab gumroad helpScout hubspot invoiceNinja jira jotForm keap koBoToolbox lemlist
    linear loneScale mailchimp mailerLite mailjet mautic microsoftTeams netlify onfleet payPal pipedrive postmark
    pushcut sendInBlue shopify slack strava stripe surveyMonkey taiga telegram theHive theHiveProject trello twilio
    typeform venafiTlsProtectCloud webflow whatsApp wise wooCommerce workable wufoo zendesk
    """,
)
"""Whose triggers are called by them."""
CALLED = {
    f"n8n-nodes-base.{name}" for name in ("form", "wait", "webhook", *(f"{name}Trigger" for name in SERVICES))
} | {
    "@n8n/n8n-nodes-langchain.chatTrigger",
    "@n8n/n8n-nodes-langchain.mcpTrigger",
}
"""Node types that have an address of their own, whose part is `webhookId`."""


def fill_ids(document: dict[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The document with an `id` for each node, and a `webhookId` for each that is called, where they are missing.

    A node that was there before, by name and type, keeps what it had: saving a document twice changes nothing, and
    the address of a webhook stays.
    """
    known = {(node.get("name"), node.get("type")): node for node in _nodes_of(before or {})}
    if all(not _missing_keys(node) for node in _nodes_of(document)):
        return document
    return {**document, "nodes": [_fill_ids(node, known) for node in document["nodes"]]}


def _fill_ids(node: Any, known: Mapping[Any, Mapping[str, Any]]) -> Any:
    if not isinstance(node, dict):
        return node
    earlier = known.get((node.get("name"), node.get("type")), {})
    return {**node, **{key: earlier.get(key) or str(uuid4()) for key in _missing_keys(node)}}


def _missing_keys(node: Mapping[str, Any]) -> list[str]:
    wanted = ["id", "webhookId"] if node.get("type") in CALLED else ["id"]
    return [key for key in wanted if not node.get(key)]


def _nodes_of(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (node for node in document.get("nodes") or [] if isinstance(node, dict))
