"""MCP servers: clients of the Model Context Protocol call the tools of active workflows. They need no API key.

Streamable HTTP without sessions: each call is answered by itself, as JSON. What a client asks about the server is
answered here; the call of a tool is an execution.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import orjson
from flask import Blueprint, Response, request

from app.api.face.auth import public
from app.api.face.errors import Refused
from app.api.face.services import reading, services
from app.api.face.waiting import require_room
from app.api.webhooks.access import Caller, let_in
from app.api.webhooks.answers import with_cors
from app.api.webhooks.bodies.errors import UnreadableBody
from app.api.webhooks.bodies.json_text import json_text
from app.api.webhooks.requests import received_body
from app.api.webhooks.starting import start_called
from app.api.webhooks.webhooks import wait_for_answer
from app.repository import triggers
from app.repository.connection import Connection
from app.repository.triggers import RegisteredWebhook
from app.triggers.mcp import METHOD, McpServer, Tool
from app.triggers.webhook_settings import WebhookSettings

Json = dict[str, Any]
VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
NOT_THERE = "There is no MCP server at this address: the workflow may not be active"
VERSION_HEADER = "MCP-Protocol-Version"
UNREADABLE, INVALID, UNKNOWN, WRONG, OTHER = -32700, -32600, -32601, -32602, -32000
MAX_TEXT_LENGTH = 1_000
NONE = msgspec.Raw(b"null")
ShortText = Annotated[str, msgspec.Meta(max_length=MAX_TEXT_LENGTH)]
Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

blueprint = Blueprint("mcp", __name__)


class Message(msgspec.Struct):
    """One message of a client. What is not looked at here is passed by, or passed on as text."""

    jsonrpc: Literal["2.0"]
    method: str
    id: ShortText | Integer | msgspec.UnsetType | None = msgspec.UNSET
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Parameters(msgspec.Struct):
    """Those of `initialize` and of `tools/call`."""

    protocolVersion: msgspec.Raw = NONE
    name: msgspec.Raw = NONE
    arguments: msgspec.Raw = NONE


_message = msgspec.json.Decoder(Message)
_parameters = msgspec.json.Decoder(Parameters)


@blueprint.route("/mcp/<path:path>", methods=["GET", "POST", "DELETE", "OPTIONS"])
@public
def call_mcp(path: str) -> Response:
    """Answer one message of a client. Raises Refused."""
    if request.method == "OPTIONS":
        return with_cors(Response(status=204), "*", ["POST"])
    with reading() as connection:
        webhook = find_server(connection, path.strip("/"))
        stored = orjson.loads(webhook.settings)
        settings, server = WebhookSettings.from_json(stored), McpServer.from_json(stored["mcp"])
        by = let_in(connection, webhook.project_id, settings)
    if request.method != "POST":  # no stream of its own, and no session that could end
        refused = failure(None, INVALID, "Send a message by POST", status=405)
        refused.headers["Allow"] = "POST"
        return finish(refused)
    try:
        message = parse_message(received_body())
    except UnreadableBody as error:
        return finish(failure(None, UNREADABLE, f"Parse error: {error}", status=400))
    if message is None:
        return finish(failure(None, INVALID, "This is no message of JSON-RPC 2.0", status=400))
    return answer_message(webhook, server, message, by)


def answer_message(webhook: RegisteredWebhook, server: McpServer, message: Message, by: Caller) -> Response:
    """What the server answers. Raises Refused."""
    number, parameters = message.id, parameters_of(message)
    version = request.headers.get(VERSION_HEADER)
    if message.method != "initialize" and version is not None and version not in VERSIONS:
        said = f"Unsupported protocol version: {version[:40]} (supported versions: {', '.join(VERSIONS)})"
        return finish(failure(None, OTHER, said, status=400))
    if isinstance(number, msgspec.UnsetType):
        return finish(Response(status=202))
    match message.method:
        case "initialize":
            return finish(success(number, welcome(server.name, parameters)))
        case "ping":
            return finish(success(number, {}))
        case "tools/list":
            return finish(success(number, {"tools": [tool_json(tool) for tool in server.tools]}))
        case "tools/call":
            return call_tool(webhook, server.tools, number, parameters, by)
        case _:
            return finish(failure(number, UNKNOWN, "Method not found"))


def find_server(connection: Connection, path: str) -> RegisteredWebhook:
    """The MCP server at a path. Raises Refused."""
    webhook = next((each for each in triggers.find_webhooks(connection, path) if each.method == METHOD), None)
    if webhook is None:
        raise Refused(404, NOT_THERE)
    return webhook


def parse_message(data: bytes) -> Message | None:
    """The message that was sent, None for JSON that is none. Raises UnreadableBody for what is no JSON.

    Its objects would take many times its length in memory: no value is built that nobody looks at.
    """
    json_text(data)
    try:
        return _message.decode(data)
    except msgspec.MsgspecError:
        return None


def parameters_of(message: Message) -> Parameters:
    """Its parameters; none where they are no object."""
    return _parameters.decode(message.params) if bytes(message.params)[:1] == b"{" else Parameters()


def text_of(value: msgspec.Raw) -> str | None:
    """A text of a length that a name has; None for anything else."""
    data = bytes(value)
    text = orjson.loads(data) if len(data) <= MAX_TEXT_LENGTH else None
    return text if isinstance(text, str) else None


def welcome(name: str, parameters: Parameters) -> Json:
    """What a client is told first."""
    asked = text_of(parameters.protocolVersion)
    return {
        "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": name, "version": "1.0.0"},
    }


def tool_json(tool: Tool) -> Json:
    """A tool as clients know it."""
    return {"name": tool.name, "description": tool.description, "inputSchema": tool.schema}


def call_tool(
    webhook: RegisteredWebhook, tools: Sequence[Tool], number: Any, parameters: Parameters, by: Caller
) -> Response:
    """Run the tool that a message names, or say what is wrong with it. Raises Refused."""
    name, arguments = text_of(parameters.name), bytes(parameters.arguments)
    tool = next((each for each in tools if each.name == name), None)
    if tool is None:
        return finish(failure(number, WRONG, f"Unknown tool: {str(name)[:100]}"))
    if arguments[:1] != b"{" and arguments != b"null":
        return finish(failure(number, WRONG, "The arguments of a tool must be an object"))
    given = orjson.Fragment(b"{}" if arguments == b"null" else arguments)
    return run_tool(webhook, {"id": number, "node": tool.node, "arguments": given}, by.proof)


def run_tool(webhook: RegisteredWebhook, given: Json, proof: Any) -> Response:
    """Run a tool as an execution, and answer with what it gives, or why it gives nothing. Raises Refused."""
    require_room()
    items, sealed = orjson.dumps([{"json": given}]), services().vault.seal(proof)
    execution_id, waiting, expected = start_called(webhook, items, waits=True, awaited=True, sealed=sealed)
    assert expected is not None

    def without_answer(reason: str) -> Response:
        return finish(success(given["id"], {"content": [{"type": "text", "text": reason}], "isError": True}))

    def finish_tool(response: Response) -> Response:
        if response.status_code == 200:
            return finish(response)
        return without_answer(f"Execution {execution_id} has ended without an answer: it was stopped, or has failed")

    return wait_for_answer(execution_id, waiting, expected, finish_tool, without_answer)


def success(number: Any, result: Json) -> Response:
    """The answer to a request."""
    return as_json({"jsonrpc": "2.0", "id": number, "result": result}, 200)


def failure(number: Any, code: int, message: str, status: int = 200) -> Response:
    """Why a request cannot be answered."""
    return as_json({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}, status)


def as_json(body: Json, status: int) -> Response:
    """A JSON answer with this status."""
    return Response(orjson.dumps(body), status, content_type="application/json")


def finish(response: Response) -> Response:
    """Let a page of another origin see the answer."""
    return with_cors(response, "*", ["POST"])
