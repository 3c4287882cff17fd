"""Respond to Webhook: says what the caller of the workflow's webhook gets, while the workflow goes on."""

import re
from typing import Any

from app.binary_files import encode_base64, file_bytes
from app.engine.nodes.shared import binary
from app.engine.nodes.shared.issues import Required, RequiredCredential, Typed, credentials, rules
from app.engine.nodes.shared.signed_tokens import signed_token
from app.engine.run.computing import BYTES_OF_ONE, compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Outputs
from app.engine.run.json_texts import parse_json
from app.engine.run.programs import measure
from app.engine.run.registry import node
from app.engine.values import conversions, paths
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
CHECK_JSON = "Check that the syntax of the JSON in the 'Response Body' parameter is valid"
NO_FILE = "No binary data exists on the first item!"
SAMPLE = '{"myField": "value"}'
"""What a node answers whose body nobody has written."""
_WITH_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?/*[^\s/?#]+(?:[/?#]|\Z)")
_MOMENT = re.compile(r"[-+]?\d{4,6}-\d\d-\d\dT[\d:.]{8,12}(?:Z|[-+]\d\d:\d\d)")
_COMPLETE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|/")


ISSUES = rules(
    Required("redirectURL", "Redirect URL", when={"respondWith": ["redirect"]}),
    Typed("redirectURL", "url", "", when={"respondWith": ["redirect"]}),
    Typed("payload", "object", when={"respondWith": ["jwt"]}),
    Required(
        "inputFieldName", "Input Field Name", "data", when={"respondWith": ["binary"], "responseDataSource": ["set"]}
    ),
)
NEEDED = credentials(RequiredCredential("jwtAuth", when={"respondWith": ["jwt"]}))


def _count_outputs(parameters: dict[str, Any]) -> int:
    return 2 if parameters.get("enableResponseOutput") is True else 1


async def respond_to_webhook(context: NodeContext) -> Outputs:
    """Answer the call that started the workflow; the input goes on. Raises NodeError."""
    try:
        return await _respond(context)
    except NodeError as error:
        if not context.continues_on_fail:
            raise
        context.hold(len(error.message))
        return [[{"json": {"error": error.message}, "pairedItem": [{"item": i} for i in range(len(context.items))]}]]


node("respondToWebhook", [1, 1.1, 1.2], issues=ISSUES, credentials=NEEDED)(respond_to_webhook)
node("respondToWebhook", [1.3], outputs=2, exact=True, issues=ISSUES, credentials=NEEDED)(respond_to_webhook)
node("respondToWebhook", [1.4, 1.5], outputs=_count_outputs, issues=ISSUES, credentials=NEEDED)(respond_to_webhook)


async def _respond(context: NodeContext) -> Outputs:
    if context.version >= ANSWERED_ONLY and not any(_is_called(context, kind) for kind in CALLED):
        raise NodeError("No Webhook node found in the workflow", description=CONNECT)
    respond = context.execution.ports.respond
    parameters = context.parameters
    options = as_group(await context.resolve_first(parameters.get("options"), parameter="options"))
    answer = await _content(context, conversions.display(parameters.get("respondWith", "firstIncomingItem")), options)
    answer["status"] = _status(options.get("responseCode") or answer.get("status") or 200)
    answer["headers"] = {**answer.get("headers", {}), **_headers(options)}
    with context.holding(await measure(context, [answer])):  # it is written as JSON
        if respond is not None:
            await respond(answer)
    if context.node.kind.count_outputs(parameters) == 1:
        return [context.items]
    return [context.items, [{"json": {"response": _shown(answer)}}]]


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer as the nodes after the second output see it; of a file only its headers."""
    body = {"body": answer[kind]} if (kind := "text" if "text" in answer else "body") in answer else {}
    return {**body, "headers": answer["headers"], "statusCode": answer["status"]}


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
        if name and (value := entry.get("value", "")) is not None:
            headers[name] = conversions.display(value)
    return headers


def _is_called(context: NodeContext, kind: str) -> bool:
    """Whether a way leads here from a node of that type."""
    graph = context.state.graph
    return any(graph.nodes[name].type == kind for name in graph.ancestors(context.node.name))


async def _content(context: NodeContext, kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """What is answered, by the node's choice of it."""
    items = context.items
    if kind == "firstIncomingItem":
        return {"body": _wrap_at_key(context, options, items[0]["json"] if items else {})}
    if kind == "allIncomingItems":
        return {"body": _wrap_at_key(context, options, [item["json"] for item in items])}
    if kind == "json":
        return await _json(context)
    if kind == "text":
        given = await _body(context, "")
        if given is None:
            return {}
        if await _is_date(context, given):
            return _quoted(given)
        return {"text": given} if isinstance(given, str) else {"body": given}
    if kind == "redirect":
        url = await context.resolve_first(context.parameters.get("redirectURL", ""), parameter="redirectURL")
        return {"status": 307, "headers": {"location": _address(url)}}
    if kind == "noData":
        return {}
    if kind == "binary":
        return await _file(context)
    if kind == "jwt":
        return {"body": {"token": await signed_token(context)}}
    raise NodeError(f'The Response Data option "{kind}" is not supported!')


async def _body(context: NodeContext, default: str) -> Any:
    return await context.resolve_first(context.parameters.get("responseBody", default), parameter="responseBody")


async def _json(context: NodeContext) -> dict[str, Any]:
    """What stands in the body's field, read where it is a text; nothing for nothing."""
    given = await _body(context, SAMPLE)
    if given is None or given == "":
        return {}
    if await _is_date(context, given):
        return _quoted(given)
    try:
        return {"body": await parse_json(context, given) if isinstance(given, str) else given}
    except CannotConvert:
        raise NodeError("Invalid JSON in 'Response Body' field", description=CHECK_JSON) from None


async def _is_date(context: NodeContext, given: Any) -> bool:
    """Whether what came out as a text was a date, which is an answer in JSON."""
    asked = context.parameters.get("responseBody")
    if not (isinstance(given, str) and _MOMENT.fullmatch(given) and isinstance(asked, str) and asked[:1] == "="):
        return False
    return (await context.tell_apart({asked}))[0][asked] in ("Date", "DateTime")


def _quoted(text: str) -> dict[str, Any]:
    return {"text": conversions.to_json_text(text), "headers": {"content-type": "application/json; charset=utf-8"}}


def _address(url: Any) -> str:
    """Where a redirect leads: to a host where it says no more, else what the node says. Raises NodeError for none."""
    text = conversions.display(url)
    if not isinstance(url, str) or not _WITH_HOST.match(text):
        raise NodeError(
            "Invalid input for 'Redirect URL' [item 0]",
            description=f"'redirectURL' expects a url but we got '{text[:1000]}'",
            item_index=0,
        )
    return text if _COMPLETE.match(text) else f"https://{text}"


async def _file(context: NodeContext) -> dict[str, Any]:
    """The first item's file: the one that is named, or else its first."""
    item = context.items[0] if context.items else {"json": {}}
    if not item.get("binary"):
        raise NodeError(NO_FILE)
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


def _wrap_at_key(context: NodeContext, options: dict[str, Any], value: Any) -> Any:
    """The value, at the path that the options name for it."""
    key = conversions.display(options.get("responseKey") or "")
    if not key:
        return value
    wrapped: dict[str, Any] = {}
    try:
        paths.put(wrapped, key, value, hold=context.hold)
    except ValueError as problem:
        raise NodeError(f"The response key cannot be used: {problem}") from None
    return wrapped
