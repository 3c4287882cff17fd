"""The parameters of HTTP Request, versions 3 to 4, of one item: what request they make and how its answer is read."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app.binary_files import file_bytes
from app.engine.nodes.http_request import encoding as http_encoding
from app.engine.nodes.http_request.answers import ACCEPT, Reading
from app.engine.nodes.http_request.authentication import RequestProof
from app.engine.nodes.http_request.bodies import FORM, MULTIPART, WITH_FORM_TYPE, form_text, json_body, raw_body
from app.engine.nodes.http_request.encoding import Part
from app.engine.nodes.http_request.headers import drop_nameless, header_value, put_header
from app.engine.nodes.http_request.parameter_values import (
    json_value,
    list_of,
    method_of,
    pairs,
    replace_undefined,
    request_timeout,
    to_count,
    values_by_name,
    work_of_request,
)
from app.engine.nodes.http_request.urls import validate_url
from app.engine.nodes.shared import binary
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.values import conversions, paths
from app.engine.values.conversions import CannotConvert, Undefined
from app.outgoing.calls import MAX_REDIRECTS, MAX_SECONDS, Call

_CONTENT_TYPES = frozenset({"json", "form-urlencoded", "multipart-form-data", "binaryData", "raw"})
_SPECIFIED = {"json": ("keypair", "json"), "form-urlencoded": ("keypair", "string")}
GROUPED_SINCE = 4.3
REPEATED_PARTS_SINCE = 4.2
_TYPED = frozenset({"form-urlencoded", "multipart-form-data", "raw"})
"""Those whose type counts, whatever a header says."""


class ItemRequest:
    """One item's parameters, read: makes the call, also with what changes from page to page."""

    def __init__(self, context: NodeContext, parameters: dict[str, Any], proven: RequestProof, index: int) -> None:
        self._version = context.version
        self._hold = context.hold
        self._item = context.items[index]
        self._index = index
        self._proof = proven
        self._parameters = parameters = replace_undefined(parameters)
        self._options = fields(parameters, "options")
        self._content_type = _content_type(parameters, context.parameters.get("contentType"))
        self.work = work_of_request(self._item, parameters)
        self.reading = _read_response_options(self._options)
        self.url = validate_url(parameters.get("url", ""), index)

    def call(
        self,
        *,
        url: str | None = None,
        query: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
    ) -> Call:
        """The request, with another address or with more parameters, headers or fields of the body.

        What stands in the query of that other address already is not added to it again. Raises NodeError.
        """
        parameters, proven = self._parameters, self._proof
        target = validate_url(url, self._index) if url else self.url
        proven.check(target, self._index)
        kind, content = self._body(proven.body if body is None else {**proven.body, **body}, always=body is not None)
        sent = self._sent_headers(kind, headers or {})
        address = self._address(target, query or {}, is_other=bool(url))
        return Call(
            method_of(parameters.get("method"), self._index),
            address,
            sent,
            content,
            secret_headers=proven.secret_headers,
            secret_body=bool(proven.body),
            secret_domains=proven.domains,
            share_secrets=bool(self._options.get("sendCredentialsOnCrossOriginRedirect")),
            auth=proven.auth,
            timeout=request_timeout(self._options.get("timeout"), MAX_SECONDS, self._index),
            max_redirects=self._max_redirects(),
            verify=not self._options.get("allowUnauthorizedCerts"),
            proxy=proxy if isinstance(proxy := self._options.get("proxy"), str) and proxy else None,
            certificate=proven.certificate,
        )

    def _sent_headers(self, kind: str | None, more: dict[str, Any]) -> list[tuple[str, str]]:
        """All headers, a later one of a name in place of an earlier; `kind` is the type of the body."""
        chosen = self._parameters.get("sendBody") is True and self._content_type in _TYPED
        typed = chosen or (kind or "").startswith(MULTIPART)
        sent: dict[str, tuple[str, str]] = {"accept": ("Accept", ACCEPT[self.reading.format])}
        if kind is not None:
            sent["content-type"] = ("Content-Type", kind)
        given = [*self._proof.defaults.items(), *self._headers(), *more.items(), *self._proof.headers.items()]
        for name, value in given:
            if not (typed and name.lower() == "content-type"):
                put_header(sent, name, value, self._index)
        return list(sent.values())

    def _address(self, target: str, more: dict[str, Any], *, is_other: bool) -> str:
        """The target with its query; of another address than the node's, the query stays as it stands there."""
        own = self._query()
        if is_other:
            present = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
            own = {name: value for name, value in own.items() if name not in present}
        arrays = str(self._options.get("queryParameterArrays") or "indices")
        query = {**own, **more, **self._proof.query}
        return http_encoding.encode_url(http_encoding.with_query(target, query, arrays))

    def own(self) -> dict[str, Any]:
        """The request as the workflow itself gives it, for `$request` in the expressions of pages: without secrets.

        Raises NodeError.
        """
        parameters, kind = self._parameters, self._content_type
        body: Any = None
        if parameters.get("sendBody") is True and kind in ("json", "form-urlencoded"):
            entries = list_of(parameters.get("bodyParameters"), "parameters")
            if parameters.get("specifyBody", "keypair") != "keypair":
                body = self._json(parameters.get("jsonBody", ""), "JSON Body", kinds=object) if kind == "json" else None
            else:
                body = self._fields(entries) if kind == "json" else self._by_name(entries)
        headers = {name.lower(): header_value(value) for name, value in self._headers()}
        return {
            **({} if body is None else {"body" if kind == "json" else "form": body}),
            "headers": {"accept": ACCEPT[self.reading.format], **headers},
            "method": method_of(parameters.get("method"), self._index),
            "uri": self.url,
            **({"qs": self._query()} if parameters.get("sendQuery") is True else {}),
        }

    def _max_redirects(self) -> int:
        redirect = fields(self._options, "redirect", "redirect")
        if not redirect.get("followRedirects", self._version >= 4):
            return 0
        return to_count(redirect.get("maxRedirects") or MAX_REDIRECTS, MAX_REDIRECTS)

    def _query(self) -> dict[str, Any]:
        parameters = self._parameters
        if parameters.get("sendQuery") is not True:
            return {}
        specified = parameters.get("specifyQuery", "keypair")
        if specified == "json":
            return dict(self._json(parameters.get("jsonQuery", ""), "JSON Query Parameters"))
        if specified != "keypair":
            return {}
        return self._by_name(list_of(parameters.get("queryParameters"), "parameters"))

    def _by_name(self, entries: Any) -> dict[str, Any]:
        return values_by_name(entries, grouped=self._version >= GROUPED_SINCE)

    def _headers(self) -> list[tuple[str, Any]]:
        parameters = self._parameters
        if parameters.get("sendHeaders") is not True:
            return []
        specified = parameters.get("specifyHeaders", "keypair")
        if specified == "json":
            return list(self._json(parameters.get("jsonHeaders", ""), "JSON Headers").items())
        entries = fields(parameters, "headerParameters").get("parameters")
        if specified != "keypair" or not isinstance(entries, list):
            return []
        named = [each for each in entries if conversions.truthy(as_group(each).get("name"))]
        return drop_nameless(self._by_name(named).items())

    def _body(self, more: dict[str, Any], *, always: bool) -> tuple[str | None, bytes]:
        """The content type and the body; `more` joins its fields, and makes one where there is none."""
        parameters = self._parameters
        if parameters.get("sendBody") is not True:
            return ("application/json", conversions.to_json_text(more).encode()) if more or always else (None, b"")
        kind, specified = self._content_type, parameters.get("specifyBody", "keypair")
        if kind is None or (kind in _SPECIFIED and specified not in _SPECIFIED[kind]):
            return None, b""
        entries = list_of(parameters.get("bodyParameters"), "parameters")
        if kind == "json":
            if specified == "json":
                value = self._json(parameters.get("jsonBody", ""), "JSON Body", kinds=object)
                value = {**value, **more} if isinstance(value, dict) else value
            else:
                value = {**self._fields(entries), **more}
            return json_body(value, self._sent_type(), method_of(parameters.get("method"), self._index))
        if kind == "form-urlencoded":
            if specified == "string":
                return FORM, http_encoding.rewrite_form(form_text(parameters.get("body", ""))).encode()
            return FORM, http_encoding.form({**self._by_name(entries), **more}).encode()
        if kind == "multipart-form-data":
            entries = entries if isinstance(entries, list) else []
            parts = [self._part(entry) for entry in entries if isinstance(entry, dict)]
            if self._version < REPEATED_PARTS_SINCE:
                parts = list({part.name: part for part in parts}.values())
            return http_encoding.multipart(parts)
        if kind == "binaryData":
            file = binary.entry(self._item, parameters.get("inputDataFieldName", ""), self._index)
            return str(file.get("mimeType") or "application/octet-stream"), file_bytes(file)
        return raw_body(parameters.get("body", ""), self._raw_type())

    def _raw_type(self) -> str | None:
        given = self._parameters.get("rawContentType", "")
        if isinstance(given, Undefined):
            return FORM if method_of(self._parameters.get("method"), self._index) in WITH_FORM_TYPE else None
        if isinstance(given, list):
            given = given[0] if given else None
        return None if given is None else header_value(given)

    def _sent_type(self) -> str:
        """The content type that the node's own headers name."""
        named_types = [value for name, value in self._headers() if name.lower() == "content-type"]
        return header_value(named_types[-1]) if named_types and named_types[-1] is not None else ""

    def _fields(self, entries: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and isinstance(entry.get("value"), Undefined):
                made.pop(conversions.to_string(entry.get("name", "")), None)
            for name, value in pairs([entry]):
                given = entry.get("name", "")
                if isinstance(given, list):
                    name = "".join(f'["{conversions.to_string(part)}"]' for part in given)
                if name or given != []:
                    dots = self._version >= 4 and isinstance(given, str | list | dict)
                    paths.put(made, name, value, dots=dots, hold=self._hold)
        return made

    def _part(self, entry: dict[str, Any]) -> Part:
        name = conversions.to_string(entry.get("name", ""))
        if entry.get("parameterType", "formData") != "formBinaryData":
            return Part(name, conversions.display(entry.get("value", "")).encode())
        file = binary.entry(self._item, entry.get("inputDataFieldName", ""), self._index)
        return Part(name, file_bytes(file), file.get("fileName") or name, file.get("mimeType"))

    def _json(self, given: Any, label: str, kinds: type = dict) -> Any:
        """JSON as a parameter gives it, as text or as what it is already. Raises NodeError.

        Where an object is wanted, a number, true, false or null has no fields, as in JavaScript.
        """
        try:
            value = json_value(given)
        except CannotConvert as error:
            raise NodeError(
                f'The value in the "{label}" field is not valid JSON',
                description="Unexpected end of JSON input" if given == "" else str(error.__cause__ or ""),
                item_index=self._index,
            ) from None
        if isinstance(value, kinds):
            return value
        if isinstance(value, list | str) and value:
            raise NodeError(f'The value in the "{label}" field has to be a JSON object', item_index=self._index)
        return {}


def _content_type(parameters: dict[str, Any], given: Any) -> str | None:
    """How the body is written. What is none of the ways gives no body; what comes of an expression then means JSON."""
    chosen = parameters.get("contentType", "json")
    if isinstance(chosen, str) and chosen in _CONTENT_TYPES:
        return chosen
    return "json" if isinstance(given, str) and given.startswith("=") else None


def _read_response_options(options: dict[str, Any]) -> Reading:
    response = fields(options, "response", "response")
    form = response.get("responseFormat") or "autodetect"
    return Reading(
        form if isinstance(form, str) and form in ACCEPT else "autodetect",
        full=bool(response.get("fullResponse")),
        never_error=bool(response.get("neverError")),
        field=binary.name_for(response, "outputPropertyName"),
    )


def fields(given: Any, *path: str) -> dict[str, Any]:
    """The group of parameters at this path: none where something else stands there, as n8n reads it."""
    for name in path:
        given = given.get(name) if isinstance(given, dict) else None
    return given if isinstance(given, dict) else {}
