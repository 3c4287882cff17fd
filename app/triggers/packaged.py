"""Triggers of packages that are called: the addresses that they ask for, as their packages describe them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from app.triggers import InvalidTrigger
from app.triggers.paths import path_as_called
from app.triggers.webhook_settings import WebhookSettings
from app.triggers.webhooks import METHODS

NOT_IN_ADDRESSES = re.compile(r"[^\w.~/%-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class CalledNode:
    """A node, and n8n's descriptions of where it is called, with the values of their expressions."""

    node: Mapping[str, Any]
    webhooks: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PackagedAddress:
    """A method and path, which is as it comes when it is called: without percent-encoding. `webhook` is how the package
    calls it, `settings` how callers are answered."""

    node: str
    webhook: str
    method: str
    path: str
    settings: dict[str, Any]


def addresses_of(document: Mapping[str, Any], called: Sequence[CalledNode], base: str) -> list[PackagedAddress]:
    """The addresses of these nodes; `base` is where webhooks are called. Raises InvalidTrigger."""
    addresses: list[PackagedAddress] = []
    for each in called:
        name = str(each.node["name"])
        paths = {str(w.get("name") or "default"): _path(document, each.node, w) for w in each.webhooks}
        urls = {webhook: f"{base}/{path}" for webhook, path in paths.items()}
        paths = {webhook: path_as_called(name, path) for webhook, path in paths.items()}
        taken: set[tuple[str, str]] = set()
        for described in each.webhooks:
            webhook, method = str(described.get("name") or "default"), str(described.get("httpMethod") or "GET").upper()
            if method not in METHODS:
                raise InvalidTrigger(f"Node '{name}' asks for the method '{method}', which is not known")
            if (method, paths[webhook]) in taken:
                continue  # The one that is described first is called.
            taken.add((method, paths[webhook]))
            settings = WebhookSettings.from_json({"responseMode": "lastNode", "typeVersion": 2}).to_json()
            mode = str(described.get("responseMode") or "onReceived")
            settings["package"] = {"name": webhook, "urls": urls, "responseMode": mode}
            addresses.append(PackagedAddress(name, webhook, method, paths[webhook], settings))
    return addresses


def _path(document: Mapping[str, Any], node: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    """n8n's path: behind the node's webhook id, unless it is a full one."""
    path = str(described.get("path") or "").strip("/")
    webhook_id = str(node.get("webhookId") or "")
    if not webhook_id:
        webhook_id = f"{document.get('id')}/{quote(str(node['name']).lower(), safe='')}"
    full = (path or webhook_id) if described.get("isFullPath") else "/".join(filter(None, (webhook_id, path)))
    if NOT_IN_ADDRESSES.search(full):
        raise InvalidTrigger(f"Node '{node['name']}' asks for an address that cannot be one: {full[:100]}")
    return full
