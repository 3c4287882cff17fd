"""Where a workflow can be called: as long as it is active, or once it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.api.face.services import services
from app.api.workflows.registration import own_webhooks
from app.console.graph_nodes import as_list, as_object
from app.triggers import InvalidTrigger, forms, invalid_when_malformed, mcp
from app.triggers.addresses import Called, path_of

MAX_NODES = 100
"""Nodes with addresses that are shown of a workflow that is not active."""
WORDS = {forms.METHOD: "Form", mcp.METHOD: "MCP"}
MADE = "Its address is made by an expression: it is known once the workflow is active."


@dataclass(slots=True)
class Address:
    """An address of a node, with the methods by which it is called; `problem` is why there is none."""

    node: str
    url: str | None = None
    methods: list[str] = field(default_factory=list)
    problem: str | None = None


def show_addresses(hooks: Iterable[Called]) -> list[Address]:
    """The addresses, each with all of its methods."""
    shown: dict[tuple[str, str], Address] = {}
    for hook in hooks:
        url = services().settings.webhook_url + path_of(hook)
        shown.setdefault((hook.node, url), Address(hook.node, url)).methods.append(WORDS.get(hook.method, hook.method))
    return list(shown.values())


def planned_addresses(definition: Mapping[str, Any]) -> list[Address]:
    """The addresses that a workflow will have once it is active, or why a node will have none.

    Left out are those of nodes of packages, which are asked for theirs when it is activated.
    """
    shown: list[Address] = []
    for node in as_list(definition.get("nodes")):
        if len(shown) >= MAX_NODES:
            break
        if isinstance(node, dict):
            shown += addresses_of_node(node, definition)
    return shown


def addresses_of_node(node: dict[str, Any], definition: Mapping[str, Any]) -> list[Address]:
    """Those that one node will have."""
    name, alone = str(node.get("name")), {"settings": as_object(definition.get("settings")), "nodes": [node]}
    try:
        with invalid_when_malformed(node):
            if has_made_address(node) and not node.get("disabled"):
                return [Address(name, problem=MADE)]
            return show_addresses(own_webhooks(alone))
    except InvalidTrigger as error:
        return [Address(name, problem=str(error))]


def has_made_address(node: Mapping[str, Any]) -> bool:
    """Whether an expression says where, or how, a node that is called is called."""
    kind, parameters = str(node.get("type")), as_object(node.get("parameters"))
    if not kind.endswith((".webhook", ".formTrigger", ".mcpTrigger")):
        return False
    named = (parameters.get("path"), parameters.get("httpMethod"), as_object(parameters.get("options")).get("path"))
    return any(isinstance(value, str) and value.startswith("=") for value in named)
