"""MCP Server Trigger: which tools a workflow offers, and at which address; stored as JSON.

Knows n8n's parameters of tools, and no protocol.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.triggers import InvalidTrigger, invalid_when_malformed
from app.triggers.from_ai import schema_of
from app.triggers.paths import path_as_called
from app.triggers.webhook_settings import WebhookSettings, check_authentication

TYPE = "@n8n/n8n-nodes-langchain.mcpTrigger"
METHOD = "MCP"
"""Stands for the method of its address: it is none that HTTP has, so that no webhook is taken for it."""
TOOLKITS = frozenset({"@n8n/n8n-nodes-langchain.mcpClientTool"})
"""Types that stand for many tools, which nobody knows before they run: they are not served."""
MAX_TOOLS = 200
MAX_NAME_LENGTH = 64
UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
"""What the name of a tool cannot have."""
TEXT = {"type": "string"}
ONE_TEXT = {"type": "object", "properties": {"input": TEXT}, "required": ["input"]}


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: `node` is what it runs, `schema` what its arguments are like (JSON schema)."""

    name: str
    node: str
    description: str
    schema: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As `from_json` reads it."""
        return {"name": self.name, "node": self.node, "description": self.description, "schema": self.schema}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Tool":
        """The tool that was stored."""
        return cls(stored["name"], stored["node"], stored["description"], stored["schema"])


@dataclass(frozen=True, slots=True)
class McpServer:
    """What clients are told of a server: its name and its tools."""

    name: str
    tools: tuple[Tool, ...]

    def to_json(self) -> dict[str, Any]:
        """As `from_json` reads it."""
        return {"name": self.name, "tools": [tool.to_json() for tool in self.tools]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "McpServer":
        """The server that was stored."""
        return cls(stored["name"], tuple(Tool.from_json(tool) for tool in stored["tools"]))


@dataclass(frozen=True, slots=True)
class McpAddress:
    """The address of one trigger; `settings` are those of a webhook, with the server as `mcp`."""

    node: str
    path: str
    settings: dict[str, Any]


def mcp_servers_of(document: dict[str, Any]) -> list[McpAddress]:
    """The MCP servers of a workflow's triggers. Raises InvalidTrigger for what cannot be followed."""
    servers = []
    for node in document.get("nodes") or []:
        if node.get("type") == TYPE and not node.get("disabled"):
            with invalid_when_malformed(node):
                servers.append(_address(document, node))
    return servers


def _address(document: dict[str, Any], node: dict[str, Any]) -> McpAddress:
    name, parameters = node["name"], node.get("parameters") or {}
    path = path_as_called(name, str(parameters.get("path") or node.get("webhookId") or ""))
    if not path or path.startswith("=") or any(part.startswith(":") for part in path.split("/")):
        raise InvalidTrigger(f"The path of MCP server '{name}' must be there, without an expression or parameters")
    authentication = parameters.get("authentication") or "none"
    check_authentication(name, authentication, node.get("credentials") or {})
    access = WebhookSettings.from_json(
        {
            "responseMode": "responseNode",
            "authentication": authentication,
            "credentials": node.get("credentials"),
            "typeVersion": node.get("typeVersion"),
        }
    )
    server = McpServer(name, tuple(tools_of(document, name)))
    return McpAddress(name, path, {**access.to_json(), "mcp": server.to_json()})


def tools_of(document: dict[str, Any], root: str) -> list[Tool]:
    """The tools that hang on a node, those that are switched on; of two with one name the first."""
    nodes = {each.get("name"): each for each in document.get("nodes") or []}
    tools: dict[str, Tool] = {}
    for source, kinds in (document.get("connections") or {}).items():
        node = nodes.get(source)
        if node is None or node.get("disabled") or node.get("type") in TOOLKITS or not _leads_to(kinds, root):
            continue
        tool = _tool(node)
        if len(tools) >= MAX_TOOLS:
            raise InvalidTrigger(f"MCP server '{root}' can have at most {MAX_TOOLS} tools")
        tools.setdefault(tool.name, tool)
    return list(tools.values())


def _leads_to(kinds: Any, root: str) -> bool:
    outputs = kinds.get("ai_tool") or [] if isinstance(kinds, dict) else []
    return any(isinstance(each, dict) and each.get("node") == root for output in outputs for each in output or [])


def _tool(node: dict[str, Any]) -> Tool:
    parameters, kind = node.get("parameters") or {}, str(node.get("type")).rsplit(".", 1)[-1]
    given = parameters.get("name") if kind in ("toolCode", "toolWorkflow") else None
    name = UNFIT.sub("_", str(given or node["name"]))[:MAX_NAME_LENGTH]
    said = parameters.get("toolDescription") or parameters.get("description")
    description = said if isinstance(said, str) and said and not said.startswith("=") else f"Runs {node['name']}"
    return Tool(name, node["name"], description, _schema(kind, parameters))


def _schema(kind: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """What a tool's arguments are like, as its parameters say; one that asks for nothing in particular takes a text."""
    schema = schema_of(parameters)
    if schema["properties"] or not kind.startswith(("tool", "vectorStore", "agentTool")):
        return schema
    if parameters.get("specifyInputSchema") and parameters.get("schemaType", "fromJson") == "manual":
        try:
            given = orjson.loads(str(parameters.get("inputSchema")))
        except ValueError:
            given = None
        if isinstance(given, dict) and given.get("type") == "object":
            return given
    return {"type": "object"} if parameters.get("specifyInputSchema") else ONE_TEXT
