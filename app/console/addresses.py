"""Where a workflow can be called: as long as it is active, or once it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.api.face.services import services
from app.api.workflows.registration import own_webhooks
from app.console.graph_nodes import as_list, as_object
from app.notation import is_expression
from app.triggers import InvalidTrigger, forms, invalid_when_malformed, mcp
from app.triggers.addresses import Called, path_of
from app.triggers.paths import check_new

MAX_NODES = 100
"""Nodes with addresses that are looked at of a workflow that is not active."""
NAMING_PATHS = (".webhook", ".formTrigger", ".mcpTrigger")
"""How the types of nodes end whose parameters say by what path they are called; a chat's path is its id."""
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

    Left out are those of nodes of packages, which are asked for theirs when it is activated, and of nodes beyond the
    first MAX_NODES: the last entry says so.
    """
    nodes = [node for node in as_list(definition.get("nodes")) if isinstance(node, dict) and is_called(node)]
    found = [address for node in nodes[:MAX_NODES] for address in addresses_of_node(node, definition)]
    if len(nodes) > MAX_NODES:
        more = f"{len(nodes) - MAX_NODES} more nodes"
        found.append(Address(more, problem="Their addresses are shown once it is active."))
    return found


def is_called(node: Mapping[str, Any]) -> bool:
    """Whether the node is of a type that has an address, and switched on."""
    return str(node.get("type")).endswith((*NAMING_PATHS, ".chatTrigger")) and not node.get("disabled")


def addresses_of_node(node: dict[str, Any], definition: Mapping[str, Any]) -> list[Address]:
    """Those that one node will have, which `is_called`."""
    name, alone = str(node.get("name")), {"settings": as_object(definition.get("settings")), "nodes": [node]}
    try:
        with invalid_when_malformed(node):
            if has_made_address(node):
                return [Address(name, problem=MADE)]
            hooks = own_webhooks(alone)
            for hook in hooks:
                check_new(name, hook.path)
            return show_addresses(hooks)
    except InvalidTrigger as error:
        return [Address(name, problem=str(error))]


def has_made_address(node: Mapping[str, Any]) -> bool:
    """Whether an expression says where, or how, a node that is called is called."""
    parameters = as_object(node.get("parameters"))
    if not str(node.get("type")).endswith(NAMING_PATHS):
        return False
    named = (parameters.get("path"), parameters.get("httpMethod"), as_object(parameters.get("options")).get("path"))
    return any(is_expression(value) for value in named)
