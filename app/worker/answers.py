"""What a waiting caller gets when the workflow's end, or its next long wait, decides it; in n8n's words."""

import json
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson

from app import large_json
from app.engine.run.computing import compute
from app.engine.run.document import RunDocument
from app.engine.run.node_types import NodeTypes
from app.engine.run.parsed_workflow import ParsedWorkflow
from app.engine.run.ports import Ports
from app.engine.run.run import RunOutcome
from app.engine.run.static_parameters import has_expressions, with_values
from app.engine.sandbox import Sandbox
from app.engine.values import paths
from app.triggers import trigger_nodes
from app.triggers.chats import NODE as CHAT_NODE
from app.triggers.chats import TYPE as CHAT
from app.triggers.chats import chat_nodes, chat_response_mode, chat_settings
from app.triggers.forms import shows_page
from app.triggers.packaged import CALL, PackagedWebhook
from app.triggers.webhook_settings import (
    RESPONSE_MODES,
    RESPONSE_NODES,
    STREAMING,
    WebhookSettings,
    read_settings,
    response_mode,
)
from app.worker import run_data
from app.worker.exchange import Assignment

NO_PORTS = Ports()
PACKAGED = f'"{CALL}"'.encode()
BYTES_AN_ITEM = 10_000  # so much data of a run counts as one item, where it is decided whether a thread does it
FAILED: dict[str, Any] = {"status": 500, "body": {"message": "Error in workflow"}}


class AnsweringNode:
    """The node that says how to answer whoever waits; its expressions are evaluated before its settings are read."""

    __slots__ = ("_settings", "asks", "node")

    def __init__(self, node: dict[str, Any]) -> None:
        self.node = node
        self.asks = has_expressions(node)
        """Whether it has expressions."""
        self._settings: WebhookSettings | None = None

    @property
    def mode(self) -> Any:
        """The mode of answering that it asks for, also where it is none that is known."""
        return chat_response_mode(self.node) if self.node.get("type") == CHAT else response_mode(self.node)

    @property
    def settings(self) -> WebhookSettings:
        """How it answers. Raises InvalidTrigger for what cannot be followed."""
        if self._settings is None:
            self._settings = _settings_of(self.node)
        return self._settings


def answer_of(webhook: AnsweringNode | None, outcome: RunOutcome, ports: Ports = NO_PORTS) -> bytes | None:
    """The answer of that node's webhook as JSON, None where nobody asked for one or another node is to give it."""
    if webhook is None:
        return None
    settings = webhook.settings
    if not settings.answers_later or (settings.response_mode == "responseNode" and outcome.status == "waiting"):
        return None
    if settings.response_mode == RESPONSE_NODES:
        answer = said_in_chat(outcome, ports)
    elif settings.response_mode == STREAMING and ports.streamed and outcome.status == "success":
        answer = as_stream(ports.streamed)
    else:
        answer = answer_at_end(settings, outcome)
    return encode_answer(answer)


def encode_answer(answer: dict[str, Any]) -> bytes:
    """An answer as JSON, written in parts where it is large. Raises ValueError for more than is ever written."""
    return run_data.encode(answer)


def _settings_of(node: dict[str, Any]) -> WebhookSettings:
    if node.get("type") == CHAT_NODE:
        return WebhookSettings(response_mode=RESPONSE_NODES)
    return chat_settings(node) if node.get("type") == CHAT else read_settings(node)


def reads_stream(assignment: Assignment) -> bool:
    """Whether the caller of a fresh execution reads what agents say as n8n streams it."""
    if not assignment.claim.awaited or assignment.claim.resumed:
        return False
    webhook = answering_node(assignment)
    return webhook is not None and bool(webhook.mode == STREAMING)


def as_stream(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The parts of a stream as one answer: JSON, one a line."""
    lines = [json.dumps(part, ensure_ascii=False, separators=(",", ":")) + "\n" for part in parts]
    return {"status": 200, "headers": {"content-type": "application/json; charset=utf-8"}, "text": "".join(lines)}


def said_in_chat(outcome: RunOutcome, ports: Ports) -> dict[str, Any]:
    """All that Chat nodes have said to this caller, and where a reply goes when one waits for it."""
    if outcome.status not in ("success", "waiting"):
        return {**FAILED, "body": {**FAILED["body"], "messages": ports.said}} if ports.said else FAILED
    body: dict[str, Any] = {"messages": ports.said}
    if outcome.resume_on == "webhook" and (outcome.document.due_node or {}).get("type") == CHAT_NODE:
        address = urlsplit(ports.resume_url or "")
        body["reply"] = f"{address.path}?{address.query}"
    return {"status": 200, "body": body}


async def evaluate_answering_node(
    assignment: Assignment, sandbox: Sandbox, types: NodeTypes, ports: Ports
) -> AnsweringNode | None:
    """The node that says how to answer whoever waits, with its expressions evaluated; None: nobody waits for one."""
    if not assignment.claim.awaited:
        return None
    webhook = await compute(answering_node, assignment, size=len(assignment.earlier or b"") // BYTES_AN_ITEM)
    if webhook is None or not webhook.asks:
        return webhook
    own = Ports(variables=ports.variables, timezone=ports.timezone)
    return AnsweringNode(await with_values(assignment.workflow, webhook.node, sandbox, types, own))


def answering_node(assignment: Assignment) -> AnsweringNode | None:
    """The node whose webhook was called: the one that waited, when a call has ended its wait, else the trigger."""
    if assignment.claim.resumed and assignment.input.resume_items is not None and assignment.earlier:
        waited = RunDocument(large_json.read(assignment.earlier)).due_node
        return None if waited is None or shows_page(waited) else AnsweringNode(waited)
    if assignment.claim.mode != "webhook":
        return None
    name, items = assignment.input.start_node or "", assignment.input.items
    parsed = assignment.parsed or ParsedWorkflow(assignment.workflow)
    known = parsed.of_node(AnsweringNode, name, partial(_called_trigger, parsed.document, name))
    if known is None and items is not None and PACKAGED in items[:64]:
        # Others who call, by forms or MCP, choose texts that stand there, too; an object is never theirs.
        came = orjson.loads(items)[0]["json"].get(CALL)
        return AnsweringNode(packaged_node(name, came)) if isinstance(came, dict) else None
    return known


def _called_trigger(document: dict[str, Any], name: str) -> AnsweringNode | None:
    called = [*trigger_nodes(document, "webhook"), *chat_nodes(document)]
    return next((AnsweringNode(node) for node in called if node["name"] == name), None)


def packaged_node(name: str, came: dict[str, Any]) -> dict[str, Any]:
    """A Webhook node that answers as the trigger of a package is to, whose call stands in the item."""
    mode = PackagedWebhook.from_json(came).response_mode
    parameters = {"responseMode": mode if mode in RESPONSE_MODES else "onReceived"}
    return {"name": name, "type": "n8n-nodes-base.webhook", "typeVersion": 2, "parameters": parameters}


def answer_at_end(settings: WebhookSettings, outcome: RunOutcome) -> dict[str, Any]:
    """The answer of a workflow that has ended, or that waits for longer than its caller is let wait."""
    if outcome.status not in ("success", "waiting"):
        return FAILED
    if settings.response_mode == "responseNode":
        return {"status": 200}
    base: dict[str, Any] = {"status": settings.response_code, "headers": dict(settings.response_headers)}
    outputs = outcome.document.last_outputs()
    items = outputs[0] if outputs else []
    kind = settings.response_data
    if kind == "noData":
        return base
    if kind == "allEntries":
        return {**base, "body": [item.get("json") for item in items]}
    if kind == "firstEntryBinary":
        return binary_answer(base, items, settings.response_binary_property)
    if not items:
        return failure("No item to return was found")
    value = items[0].get("json")
    if path := settings.options.response_property:
        value = paths.get(value, path, paths.MISSING)
    if value is paths.MISSING:
        return base
    if content_type := settings.options.response_content_type:
        text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
        return {**base, "headers": {"content-type": content_type, **base["headers"]}, "text": text}
    return {**base, "body": value}


def binary_answer(base: dict[str, Any], items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """A file of the first item as the answer."""
    if not items:
        return failure("No item was found to return")
    if not items[0].get("binary"):
        return failure("No binary data was found to return")
    file = items[0]["binary"].get(name)
    if not isinstance(file, dict):
        return failure(f"The binary property '{name}' which should be returned does not exist")
    kind = file.get("mimeType", "application/octet-stream")
    return {**base, "headers": {"content-type": kind, **base["headers"]}, "base64": file.get("data", "")}


def failure(message: str) -> dict[str, Any]:
    """What a webhook's caller gets when its workflow fails, in n8n's shape."""
    return {"status": 500, "body": {"code": 0, "message": message}}
