"""Respond to Webhook: says what the caller of the workflow's webhook gets, while the workflow goes on."""

from typing import Any

from app.binary_files import encode_base64, file_bytes
from app.engine.nodes.shared import binary
from app.engine.nodes.shared.binary import BYTES_OF_ONE
from app.engine.nodes.shared.issues import Required, RequiredCredential, Typed, credentials, rules
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Outputs
from app.engine.run.json_texts import parse_json
from app.engine.run.programs import measure
from app.engine.run.registry import node
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert
from app.http_rules import STATUSES, is_header_name, status_of

ANSWERED_ONLY = 1.1
"""From this version on, a node that no call can come to is an error."""
CALLED = (
    "n8n-nodes-base.webhook",
    "n8n-nodes-base.formTrigger",
    "n8n-nodes-base.wait",
    "@n8n/n8n-nodes-langchain.chatTrigger",
)
CONNECT = "Connect a Webhook node to this one, or remove it"


ISSUES = rules(
    Required("redirectURL", "Redirect URL", when={"respondWith": ["redirect"]}),
    Typed("redirectURL", "url", "", when={"respondWith": ["redirect"]}),
    Typed("payload", "object", when={"respondWith": ["jwt"]}),
    Required(
        "inputFieldName", "Input Field Name", "data", when={"respondWith": ["binary"], "responseDataSource": ["set"]}
    ),
)
NEEDED = credentials(RequiredCredential("jwtAuth", when={"respondWith": ["jwt"]}))


@node("respondToWebhook", [1, 1.1, 1.2, 1.3, 1.4, 1.5], issues=ISSUES, credentials=NEEDED)
async def respond_to_webhook(context: NodeContext) -> Outputs:
    if context.version >= ANSWERED_ONLY and not any(_is_called(context, kind) for kind in CALLED):
        error = NodeError("No Webhook node found in the workflow", description=CONNECT)
        if not context.continues_on_fail:
            raise error
        return [[{"json": {"error": error.message}}]]
    respond = context.execution.ports.respond
    parameters = context.parameters
    options = as_group(await context.resolve_first(parameters.get("options"), parameter="options"))
    answer = await _content(context, str(parameters.get("respondWith", "firstIncomingItem")), options)
    answer["status"] = _status(options.get("responseCode") or answer.get("status") or 200)
    answer["headers"] = {**answer.get("headers", {}), **_headers(options)}
    if respond is not None:
        with context.holding(await measure(context, [answer])):  # it is written as JSON
            await respond(answer)
    return [context.items]


def _status(code: Any) -> int:
    status = status_of(conversions.display(code))
    if status is None:
        raise NodeError(f"The response code must be a number from {STATUSES}: {conversions.display(code)[:100]} given")
    return status


def _headers(options: dict[str, Any]) -> dict[str, str]:
    """The headers that the node's options ask for, by names in lower case; an entry without a name is none."""
    entries = (options.get("responseHeaders") or {}).get("entries") or []
    headers = {}
    for entry in entries:
        name = conversions.display(entry.get("name") or "").lower()
        if name and not is_header_name(name):
            raise NodeError(f"The response header {name[:100]!r} has a name that cannot be sent")
        if name:
            headers[name] = conversions.display(entry.get("value", ""))
    return headers


def _is_called(context: NodeContext, kind: str) -> bool:
    """Whether a way leads here from a node of that type."""
    nodes = context.state.graph.nodes.values()
    graph = context.state.graph
    return any(n.type == kind and graph.output_towards(n.name, context.node.name) is not None for n in nodes)


async def _content(context: NodeContext, kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """What is answered, by the node's choice of it."""
    items = context.items
    if kind == "firstIncomingItem":
        return {"body": _wrap_at_key(options, items[0]["json"] if items else {})}
    if kind == "allIncomingItems":
        return {"body": _wrap_at_key(options, [item["json"] for item in items])}
    if kind == "json":
        given = await context.resolve_first(context.parameters.get("responseBody", ""), parameter="responseBody")
        try:
            return {"body": await parse_json(context, given) if isinstance(given, str) else given}
        except CannotConvert:
            raise NodeError("Invalid JSON in 'Response Body' field") from None
    if kind == "text":
        given = await context.resolve_first(context.parameters.get("responseBody", ""), parameter="responseBody")
        return {"text": given} if isinstance(given, str) else {"body": given}
    if kind == "redirect":
        url = await context.resolve_first(context.parameters.get("redirectURL", ""), parameter="redirectURL")
        return {"status": 307, "headers": {"location": conversions.display(url)}}
    if kind == "noData":
        return {}
    if kind == "binary":
        return await _file(context)
    raise NodeError(f"Respond to Webhook cannot respond with '{kind}' here")


async def _file(context: NodeContext) -> dict[str, Any]:
    """The first item's file: the one that is named, or else its first."""
    item = context.items[0] if context.items else {"json": {}}
    name = next(iter(item.get("binary") or {}), "data")
    if context.parameters.get("responseDataSource", "automatically") == "set":
        name = context.parameters.get("inputFieldName", "data")
    file = binary.entry(item, name, 0)
    headers = {"content-type": file.get("mimeType", "application/octet-stream")}
    size = len(str(file.get("data") or ""))
    with context.holding(2 * size):
        text = await compute(_base64_of, file, size=size // BYTES_OF_ONE)
    return {"base64": text, "headers": headers}


def _base64_of(file: dict[str, Any]) -> str:
    """The file as base64 is written, whatever a workflow has put there."""
    return encode_base64(file_bytes(file))


def _wrap_at_key(options: dict[str, Any], value: Any) -> Any:
    """The value, at the dotted path that the options name for it."""
    for key in reversed(str(options.get("responseKey") or "").split(".")):
        value = {key: value} if key else value
    return value
