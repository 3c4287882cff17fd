"""Requests as programs describe them: the options of `helpers.httpRequest` and of the older `helpers.request`.

Knows options and answers; sends nothing. Options that make no sense raise TypeError, ValueError or NodeError.
"""

import base64
from typing import Any
from urllib.parse import quote, urlencode

from app.engine.nodes.http_request.bodies import FORM
from app.engine.nodes.http_request.encoding import Part, fields, form, multipart, with_query
from app.engine.nodes.http_request.headers import check_method, drop_nameless, put_header
from app.engine.nodes.http_request.parameter_values import seconds
from app.engine.values import conversions
from app.outgoing.calls import MAX_REDIRECTS, MAX_SECONDS, Call
from app.outgoing.certificates import certificate_of

Json = dict[str, Any]

RAW = ("arraybuffer", "stream", "blob")
"""Encodings of a request's options that ask for its body as bytes."""


def wants_bytes(options: Json, *, older: bool) -> bool:
    """Whether the body of the answer is to come as bytes; `older`: the options are those of `helpers.request`."""
    if older:
        return "encoding" in options and options["encoding"] is None
    return options.get("encoding") in RAW


def call_of(options: Json) -> Call:
    """What `helpers.httpRequest` is to send."""
    headers = _headers(options)
    method = _method(options)
    content = b"" if method == "GET" else _content(options, headers)
    accept = "application/json" if options.get("json") else "application/json, text/plain, */*"
    headers.setdefault("accept", ("accept", accept))
    auth = _object(options, "auth")
    if auth:
        _set_basic(headers, auth.get("username"), auth.get("password"))
    return Call(
        method=method,
        url=_url(options, options.get("arrayFormat")),
        headers=list(headers.values()),
        content=content,
        timeout=_timeout(options),
        max_redirects=0 if options.get("disableFollowRedirect") else _redirects(options),
        verify=not options.get("skipSslCertificateValidation"),
        proxy=_proxy(options.get("proxy")),
    )


def older_call_of(options: Json) -> Call:
    """What `helpers.request` is to send."""
    headers = _headers(options)
    method = _method(options)
    given = _object(options, "form") or (options.get("form") if isinstance(options.get("form"), str) else None)
    if given is not None and given != {}:
        headers.setdefault("content-type", ("content-type", FORM))
        content = (given if isinstance(given, str) else form(given)).encode()
    else:
        body = {"body": _object(options, "formData")} if options.get("formData") else {}
        sends_empty = bool(options.get("json")) and method != "GET"
        content = _content({**body, **options}, headers, bool(body), sends_empty=sends_empty)
    headers.setdefault("accept", ("accept", "application/json" if options.get("json") else "*/*"))
    auth = _object(options, "auth")
    if auth.get("bearer"):
        headers["authorization"] = ("authorization", f"Bearer {auth['bearer']}")
    elif auth:
        _set_basic(headers, auth.get("user", auth.get("username")), auth.get("pass", auth.get("password")))
    agent = _object(options, "agentOptions")
    arrays = _object(options, "qsStringifyOptions").get("arrayFormat")
    if arrays is None and options.get("useQuerystring"):
        arrays = "repeat"
    return Call(
        method=method,
        url=_url({**options, "url": options.get("url") or options.get("uri")}, arrays),
        headers=list(headers.values()),
        content=content,
        timeout=_timeout(options),
        max_redirects=0 if options.get("followRedirect") is False else _redirects(options),
        verify=options.get("rejectUnauthorized", agent.get("rejectUnauthorized")) is not False,
        certificate=certificate_of(agent) if agent.keys() & {"cert", "key", "ca"} else None,
        proxy=_proxy(options.get("proxy")),
    )


def accepts(options: Json, status: int) -> bool:
    """Whether an answer of that status is no error to `helpers.httpRequest`."""
    if 200 <= status < 300:
        return True
    ignored = options.get("ignoreHttpStatusErrors")
    if isinstance(ignored, dict):
        return bool(ignored.get("ignore")) and status not in (ignored.get("except") or [])
    return bool(ignored)


def _url(options: Json, arrays: Any) -> str:
    url = options.get("url")
    if not isinstance(url, str) or not url:
        raise ValueError("Invalid URL")
    base = options.get("baseURL")
    if isinstance(base, str) and base and "://" not in url:
        url = f"{base.rstrip('/')}/{url.lstrip('/')}"
    if "://" not in url:
        raise ValueError("Invalid URL")
    return with_query(url, _object(options, "qs"), str(arrays or "indices"))


def _method(options: Json) -> str:
    name = str(options.get("method") or "GET").upper()
    check_method(name, 0)
    return name


def _headers(options: Json) -> dict[str, tuple[str, str]]:
    headers: dict[str, tuple[str, str]] = {}
    for name, value in drop_nameless(_object(options, "headers").items()):
        put_header(headers, name, value, 0)
    return headers


def _content(
    options: Json, headers: dict[str, tuple[str, str]], is_multipart: bool = False, *, sends_empty: bool = False
) -> bytes:
    """The body; its type is added to the headers where they tell none. `sends_empty`: empty JSON is a body, too."""
    body, given = options.get("body"), headers.get("content-type", ("", ""))[1]
    if isinstance(options.get("bytes"), str):
        content, kind = base64.b64decode(options["bytes"]), "application/octet-stream"
    elif not body and not (sends_empty and "body" in options and body != ""):
        return b""
    elif is_multipart and isinstance(body, dict):
        kind, content = multipart([_part(name, value) for name, value in body.items()])
    elif isinstance(body, str):
        content, kind = body.encode(), "application/json" if options.get("json") else FORM
    elif isinstance(body, dict) and given.startswith(FORM):
        content, kind = urlencode(list(fields(body, "brackets"))).encode(), FORM
    else:
        content, kind = conversions.to_json_text(body).encode(), "application/json"
    headers.setdefault("content-type", ("content-type", kind))
    return content


def _part(name: str, value: Any) -> Part:
    options = value.get("options") if isinstance(value, dict) else None
    if not isinstance(options, dict):
        return Part(name, conversions.display(value).encode())
    content = value.get("value")
    data = content.get("data") if isinstance(content, dict) else None  # a Buffer, as its JSON
    made = bytes(data) if isinstance(data, list) else conversions.display(content).encode()
    return Part(name, made, str(options.get("filename") or "file"), options.get("contentType"))


def _set_basic(headers: dict[str, tuple[str, str]], user: Any, password: Any) -> None:
    pair = f"{'' if user is None else user}:{'' if password is None else password}"
    headers["authorization"] = ("authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")


def _proxy(given: Any) -> str | None:
    if isinstance(given, dict) and given.get("host"):
        auth = given.get("auth") or {}
        login = f"{quote(str(auth.get('username', '')))}:{quote(str(auth.get('password', '')))}@" if auth else ""
        scheme = str(given.get("protocol") or "http").removesuffix(":")
        return f"{scheme}://{login}{given['host']}:{given.get('port') or 80}"
    return given if isinstance(given, str) and given else None


def _timeout(options: Json) -> float:
    return min(MAX_SECONDS, seconds(options.get("timeout"), MAX_SECONDS))


def _redirects(options: Json) -> int:
    given = options.get("maxRedirects")
    return given if isinstance(given, int) and 0 <= given <= MAX_REDIRECTS else MAX_REDIRECTS


def _object(options: Json, name: str) -> Json:
    value = options.get(name)
    return value if isinstance(value, dict) else {}
