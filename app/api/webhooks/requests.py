"""What a call to a webhook brought, as n8n's items."""

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree

import orjson
from flask import request
from werkzeug.datastructures import FileStorage

from app.api.face.errors import Refused
from app.api.face.services import services
from app.binary_files import file_entry
from app.triggers.webhook_settings import WebhookOptions

UNKNOWN_KIND = "application/octet-stream"
NAME = re.compile(r"[^\[\]]+|\[\]")
DEEPEST_NAME = 5


def item_of(params: dict[str, str], webhook_url: str, options: WebhookOptions, version: float = 2) -> dict[str, Any]:
    """The call as one item. Raises Refused for a body that is not what its type says."""
    request.max_form_memory_size = services().settings.max_body_bytes
    data = request.get_data()
    body, files = read_body(data, options.binary_property)
    if options.raw_body:
        raw = {"data": base64.b64encode(data).decode(), "mimeType": request.mimetype or UNKNOWN_KIND}
        files = {"data": raw, **files}
    elif body is None and data and (version > 1 or options.binary_data):
        files = {options.binary_property or "data": file_entry(data, request.mimetype or UNKNOWN_KIND)}
    json: dict[str, Any] = {
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "params": params,
        "query": nested(request.args.items(multi=True)),
        "body": body,
        "webhookUrl": webhook_url,
        "executionMode": "production",
    }
    if body is None:
        if version > 1 and not (data and options.raw_body):
            json["body"] = {}
        else:
            del json["body"]
    return {"json": json, "binary": files} if files else {"json": json}


def read_body(data: bytes, prefix: str) -> tuple[Any, dict[str, Any]]:
    """The body by its content type, None for none and for types that only a file can hold; and the files in it."""
    kind = request.mimetype
    if kind == "multipart/form-data":
        return together(request.form.items(multi=True)), dict(uploaded(prefix))
    if not data:
        return None, {}
    if kind == "application/x-www-form-urlencoded":
        return together(request.form.items(multi=True)), {}
    try:
        if kind == "application/json":
            return orjson.loads(data), {}
        if kind.endswith(("/xml", "+xml")):
            root = ElementTree.fromstring(data)
            return {tag_of(root): content_of(root)}, {}
        if kind == "text/plain":
            return data.decode(request.mimetype_params.get("charset", "utf-8"), "replace"), {}
    except (orjson.JSONDecodeError, ElementTree.ParseError, LookupError) as error:
        raise Refused(422, "Failed to parse request body", more={"code": 422, "hint": str(error)}) from None
    return None, {}


def together(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A name that came once has a value, one that came several times a list."""
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: given[0] if len(given) == 1 else given for name, given in values.items()}


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Parameters of a query, in which `a[b]=1` is a value inside of `a`, and `a[]=1` one of a list."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        keys = NAME.findall(name)[:DEEPEST_NAME] if "[" in name and not name.startswith("[") else [name]
        within = found
        for key in keys[:-1] if keys[-1:] != ["[]"] else keys[:-2]:
            inner = within.setdefault(key, {})
            within = inner if isinstance(inner, dict) else within
        listed, key = keys[-1] == "[]", keys[-2] if keys[-1] == "[]" and len(keys) > 1 else keys[-1]
        earlier = within.get(key)
        if isinstance(earlier, list):
            earlier.append(value)
        elif earlier is None:
            within[key] = [value] if listed else value
        else:
            within[key] = [earlier, value]
    return found


def tag_of(element: ElementTree.Element) -> str:
    """An element's name without its namespace, in lower case."""
    return element.tag.rpartition("}")[2].lower()


def content_of(element: ElementTree.Element) -> Any:
    """An element as n8n shows it: its text, or an object with its text, attributes and children."""
    text = (element.text or "").strip() + "".join((child.tail or "").strip() for child in element)
    shown: dict[str, Any] = {"_": text} if text else {}
    if element.attrib:
        shown["$"] = dict(element.attrib)
    shown |= together((tag_of(child), content_of(child)) for child in element)
    return text if shown.keys() <= {"_"} else shown


def uploaded(prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The files of a form, each under its field's name; of several in one field, and with a prefix, numbered."""
    number = 0
    for field, files in request.files.lists():
        for index, file in enumerate(files):
            name = f"{prefix}{number}" if prefix else field if len(files) == 1 else f"{field}{index}"
            number += 1
            yield name, file_entry(file.read(), file.mimetype or UNKNOWN_KIND, name_of(file))


def name_of(file: FileStorage) -> str | None:
    return (file.filename or "").rsplit("/", 1)[-1] or None
