"""HTTP Request, versions 1 and 2, whose answers are JSON unless the workflow says otherwise."""

from functools import partial
from typing import Any

from app.binary_files import file_bytes
from app.engine.nodes.http_request import encoding as http_encoding
from app.engine.nodes.http_request.answers import ACCEPT, Reading
from app.engine.nodes.http_request.authentication import NO_PROOF, RequestProof, proof
from app.engine.nodes.http_request.bodies import FORM, MULTIPART, multipart_body
from app.engine.nodes.http_request.encoding import Part
from app.engine.nodes.http_request.headers import drop_nameless, header_value, put_header
from app.engine.nodes.http_request.parameter_values import (
    batch_size,
    json_value,
    method_of,
    pairs,
    pause,
    replace_undefined,
    request_timeout,
    without_nulls,
)
from app.engine.nodes.http_request.requests import Prepared, in_batches, send_one
from app.engine.nodes.http_request.urls import validate_url
from app.engine.nodes.shared import binary
from app.engine.nodes.shared.issues import Required, RequiredCredential, credentials, rules
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert
from app.outgoing.calls import MAX_REDIRECTS, MAX_SECONDS, Call
from app.outgoing.client import load_client

CREDENTIALS = {
    "basicAuth": "httpBasicAuth",
    "digestAuth": "httpDigestAuth",
    "headerAuth": "httpHeaderAuth",
    "oAuth1": "oAuth1Api",
    "oAuth2": "oAuth2Api",
    "queryAuth": "httpQueryAuth",
}
FORMATS = {"json": "json", "string": "text", "file": "file"}
WITH_BODY = frozenset({"PATCH", "POST", "PUT", "DELETE"})


ISSUES = rules(
    Required("authentication", "Authentication", "none", since=2),
    Required("url", "URL"),
    Required("dataPropertyName", "Property Name", "data", when={"responseFormat": ["string"]}),
    Required("dataPropertyName", "Put Output File in Field", "data", when={"responseFormat": ["file"]}),
    Required(
        "binaryPropertyName",
        "Input Binary Field",
        "data",
        when={"jsonParameters": [True], "requestMethod": ["PATCH", "POST", "PUT"]},
        unless={"sendBinaryData": [False]},
    ),
    defaults={"responseFormat": "json", "jsonParameters": False, "requestMethod": "GET", "sendBinaryData": False},
)
NEEDED = credentials(
    *(RequiredCredential(kind, when={"authentication": [name]}, below=2) for name, kind in CREDENTIALS.items())
)


@node(
    "httpRequest",
    [1, 2],
    issues=ISSUES,
    credentials=NEEDED,
    plain=["authentication"],
    exact=True,
    groups=["bodyParameters", "headerParameters", "queryParameters"],
)
async def http_request_v1(context: NodeContext) -> Outputs:
    resolved, failed = await context.resolve_until(without_nulls(context.parameters), exact=True)
    if failed is not None and context.continues_on_fail:
        raise failed  # as in n8n, where what no request could be made of fails the node
    await load_client()
    proven = await _proof(context) if context.items else NO_PROOF
    options = as_group(await context.resolve_first(context.parameters.get("options") or {}))

    def prepare(index: int) -> Prepared:
        if failed is not None and index >= len(resolved):
            raise failed
        parameters = replace_undefined(resolved[index])
        call = _call(context.items[index], parameters, proven, index)
        return Prepared(partial(send_one, context, call, _read_response_options(parameters), index), len(call.content))

    missing = [None] * (len(context.items) - len(resolved))
    size = batch_size(options.get("batchSize", -1))
    return [await in_batches(context, [*resolved, *missing], size, pause(options.get("batchInterval")), prepare)]


async def _proof(context: NodeContext) -> RequestProof:
    parameters = context.parameters
    chosen = parameters.get("authentication", "none")
    if chosen == "none":
        return NO_PROOF
    kind = parameters.get({"genericCredentialType": "genericAuthType"}.get(chosen, "nodeCredentialType"))
    return await proof(context, str(CREDENTIALS.get(chosen) or kind))


def _read_response_options(parameters: dict[str, Any]) -> Reading:
    options = as_group(parameters.get("options"))
    return Reading(
        FORMATS.get(conversions.display(parameters.get("responseFormat", "json")), "autodetect"),
        full=bool(options.get("fullResponse")),
        never_error=bool(options.get("ignoreResponseCode")),
        field=binary.name_for(parameters, "dataPropertyName"),
        split=bool(options.get("splitIntoItems")),
        early=True,
    )


def _call(item: Item, parameters: dict[str, Any], proven: RequestProof, index: int) -> Call:
    options = as_group(parameters.get("options"))
    method = method_of(parameters.get("requestMethod"), index)
    url = validate_url(parameters.get("url", ""), index)
    proven.check(url, index)
    kind, content = _body(item, parameters, index) if method in WITH_BODY else (None, b"")
    headers, content = _add_headers(kind, content, parameters, proven, index)
    query = {**_read_pairs(parameters, "queryParameters", "Query Parameters", index), **proven.query}
    arrays = "repeat" if options.get("useQueryString") else "indices"
    follows = options.get("followAllRedirects") or (
        options.get("followRedirect") is not False and method in ("GET", "HEAD", "OPTIONS")
    )
    return Call(
        method,
        http_encoding.encode_url(http_encoding.with_query(url, query, arrays)),
        headers,
        content,
        secret_headers=proven.secret_headers,
        secret_body=bool(proven.body),
        secret_domains=proven.domains,
        auth=proven.auth,
        timeout=request_timeout(options.get("timeout"), MAX_SECONDS, index),
        max_redirects=MAX_REDIRECTS if follows else 0,
        verify=not parameters.get("allowUnauthorizedCerts"),
        proxy=str(options["proxy"]) if options.get("proxy") else None,
    )


def _add_headers(
    kind: str | None, content: bytes, parameters: dict[str, Any], proven: RequestProof, index: int
) -> tuple[list[tuple[str, str]], bytes]:
    """The headers, and the body, which is a multipart form where a header says so."""
    sent = {"accept": ("Accept", ACCEPT[_read_response_options(parameters).format])}
    if kind is not None:
        sent["content-type"] = ("Content-Type", kind)
    given = _read_pairs(parameters, "headerParameters", "Headers", index)
    headers = [*proven.defaults.items(), *drop_nameless(given.items()), *proven.headers.items()]
    if kind == "application/json" and any(is_multipart(name, value) for name, value in headers):
        value = conversions.parse_json(content.decode())
        if isinstance(value, dict | list):
            kind, content = multipart_body(value)
            sent["content-type"] = ("Content-Type", kind)
    for name, value in headers:
        if not ((kind or "").startswith(MULTIPART) and name.lower() == "content-type"):
            put_header(sent, name, value, index)
    return list(sent.values()), content


def is_multipart(name: str, value: Any) -> bool:
    """Whether a header announces a multipart form."""
    return name.lower() == "content-type" and MULTIPART in header_value(value)


def _read_pairs(parameters: dict[str, Any], name: str, label: str, index: int) -> dict[str, Any]:
    """The parameters of that name, from the list in the editor or from the JSON that stands for it."""
    if not parameters.get("jsonParameters"):
        return dict(pairs(as_group(parameters.get(f"{name}Ui")).get("parameter")))
    value = _json(parameters.get(f"{name}Json", ""), label, index)
    return value if isinstance(value, dict) else {}


def _json(given: Any, label: str, index: int) -> Any:
    if given == "":
        return {}
    try:
        return json_value(given)
    except CannotConvert:
        raise NodeError(
            f'The data in "{label}" is no valid JSON. '
            'Set Body Content Type to "RAW/Custom" for XML or other types of payloads',
            item_index=index,
        ) from None


def _body(item: Item, parameters: dict[str, Any], index: int) -> tuple[str | None, bytes]:
    """The content type and the body."""
    options = as_group(parameters.get("options"))
    kind = options.get("bodyContentType", "json")
    as_json = bool(parameters.get("jsonParameters"))
    if as_json and parameters.get("sendBinaryData"):
        return _binary_body(item, parameters, kind, index)
    if kind == "raw":
        given = parameters.get("bodyParametersJson" if as_json else "body", "")
        return header_value(str(options.get("bodyContentCustomMimeType") or "text/plain")), conversions.display(
            given
        ).encode()
    given = parameters.get("bodyParametersJson", "") if as_json else ""
    entries = None if as_json else as_group(parameters.get("bodyParametersUi")).get("parameter")
    value = _json(given, "Body Parameters", index) if as_json else dict(pairs(entries))
    if value == {} and given == "" and not entries:
        return None, b""
    if kind not in ("form-urlencoded", "multipart-form-data") or not isinstance(value, dict):
        return "application/json", conversions.to_json_text(value).encode()
    if kind == "form-urlencoded":
        return FORM, http_encoding.form(value).encode()
    fields = value if entries is None else {entry.get("name", ""): entry.get("value", "") for entry in entries}
    return http_encoding.multipart(
        [Part(conversions.to_string(name), conversions.display(each).encode()) for name, each in fields.items()]
    )


def _binary_body(item: Item, parameters: dict[str, Any], kind: str, index: int) -> tuple[str, bytes]:
    if kind not in ("raw", "multipart-form-data"):
        raise NodeError(
            'Sending binary data is only supported when option "Body Content Type" is set to '
            '"RAW/CUSTOM" or "FORM-DATA/MULTIPART"!',
            item_index=index,
        )
    options = as_group(parameters.get("options"))
    names = conversions.to_string(parameters.get("binaryPropertyName") or "data")
    if kind == "raw":
        file = binary.entry(item, names, index)
        chosen = options.get("bodyContentCustomMimeType") or file.get("mimeType") or "application/octet-stream"
        return header_value(str(chosen)), file_bytes(file)
    parts = []
    for entry in filter(None, (part.strip() for part in names.split(","))):
        name, colon, of_file = entry.partition(":")
        file = binary.entry(item, of_file if colon else name, index)
        parts.append(Part(name, file_bytes(file), file.get("fileName") or name, file.get("mimeType")))
    return http_encoding.multipart(parts)
