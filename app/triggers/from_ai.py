"""What a model fills in: the `$fromAI(name, description, type, default)` in a node's parameters, as a JSON schema.

The same as app/packages/js/from-ai.js, for where no package process is.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

Json = dict[str, Any]
CALL = re.compile(r"\$from(?:AI|Ai|ai)\s*\(")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
TYPES = {"string": "string", "number": "number", "boolean": "boolean", "json": "object"}
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
MAX_CALLS, MAX_LENGTH = 200, 10_000
"""Calls of $fromAI in one node that are read, and the signs of one."""


def schema_of(parameters: Any) -> Json:
    """The JSON schema of what is to be filled in; calls that cannot be read are left out."""
    properties: Json = {}
    required = []
    for given in islice(_calls(parameters), MAX_CALLS):
        if not given or not NAME.fullmatch(given[0]) or given[0] in properties:
            continue
        name, description, kind, *rest = [*given, "", "string"][:3] if len(given) < 3 else given
        known = TYPES.get(kind.lower(), "string")
        properties[name] = {"type": known, **({"description": description} if description else {})}
        if rest:
            properties[name]["default"] = _value(rest[0], known)
        else:
            required.append(name)
    made: Json = {"type": "object", "properties": properties}
    return {**made, "required": required} if required else made


def _calls(parameters: Any) -> Iterator[list[str] | None]:
    for text in _texts(parameters):
        for match in CALL.finditer(text):
            yield _arguments(text[match.end() : match.end() + MAX_LENGTH], 0)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("="):
            yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _arguments(text: str, start: int) -> list[str] | None:
    """The arguments of a call that begins behind its parenthesis; None where it does not end."""
    arguments: list[str] = []
    value, quoted, depth, place = "", False, 0, start
    while place < len(text):
        sign = text[place]
        if sign in "\"'`":
            inner, end = _read_quoted(text, place)
            value = value + text[place : end + 1] if depth else inner
            quoted = quoted or depth == 0
            place = end
        elif depth == 0 and sign in ",)":
            arguments.append(value if quoted else value.strip())
            if sign == ")":
                return arguments
            value, quoted = "", False
        else:
            depth += (sign in "([{") - (sign in ")]}")
            value += "" if quoted else sign
        place += 1
    return None


def _read_quoted(text: str, start: int) -> tuple[str, int]:
    signs = []
    place = start + 1
    while place < len(text) and text[place] != text[start]:
        if text[place] == "\\":
            place += 1
            following = text[place : place + 1]
            signs.append(ESCAPES.get(following, following))
        else:
            signs.append(text[place])
        place += 1
    return "".join(signs), place


def _value(text: str, kind: str) -> Any:
    if kind == "string":
        return text
    try:
        return orjson.loads(text)
    except ValueError:
        return text
