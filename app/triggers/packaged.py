"""Triggers of packages that are called: the addresses that they ask for, as their packages describe them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from app.triggers import InvalidTrigger
from app.triggers.paths import path_as_called
from app.triggers.webhook_settings import WebhookSettings
from app.triggers.webhooks import METHODS

CALL = "webhookCall"
"""In the item of an execution that a call has started: the call itself, for the node to look at."""
NOT_IN_ADDRESSES = re.compile(r"[^\w.~/%-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class CalledNode:
    """A node, and n8n's descriptions of where it is called, with the values of their expressions."""

    node: Mapping[str, Any]
    webhooks: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PackagedWebhook:
    """What a call tells the package: `name` is how the package calls the webhook, `urls` are those of all webhooks of
    the node by their names, `response_mode` says when a caller is answered."""

    name: str = "default"
    urls: Mapping[str, str] = field(default_factory=dict)
    response_mode: str = "onReceived"

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "PackagedWebhook":
        """The webhook that was stored; a key that is missing has its default."""
        default = cls()
        return cls(
            str(stored.get("name") or default.name),
            dict(stored.get("urls") or {}),
            str(stored.get("responseMode") or default.response_mode),
        )

    def to_json(self) -> dict[str, Any]:
        """As `from_json` and the package's process read it."""
        return {"name": self.name, "urls": dict(self.urls), "responseMode": self.response_mode}


@dataclass(frozen=True, slots=True)
class PackagedAddress:
    """A method and path, which is as it comes when it is called: without percent-encoding."""

    node: str
    method: str
    path: str
    webhook: PackagedWebhook

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a webhook, with the one of the package as `package`."""
        answered = WebhookSettings(response_mode="lastNode", type_version=2)
        return {**answered.to_json(), "package": self.webhook.to_json()}


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
            kept = PackagedWebhook.from_json({**described, "name": webhook, "urls": urls})
            addresses.append(PackagedAddress(name, method, paths[webhook], kept))
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
