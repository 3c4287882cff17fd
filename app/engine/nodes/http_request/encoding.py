"""How values become query strings, forms and multipart bodies, as n8n writes them.

Knows text and JSON values; sends nothing.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from app.engine.values import conversions

UNRESERVED = "-._~"
PRINTABLE = frozenset(map(chr, range(0x21, 0x7F)))
_LOST = str.maketrans("", "", "\t\r\n")
_ORIGIN = re.compile(r"([^/]*//[^/]*|[^/]*)(.*)", re.DOTALL)
_ADDRESS = re.compile(r"([^?#]*)(.*)", re.DOTALL)
_IN_PATH = "".join(sorted(PRINTABLE - set('"#<>?^`{}')))
_IN_QUERY = "".join(sorted(PRINTABLE - set("\"#<>'")))
STYLES = {"indices": "[{}]", "brackets": "[]", "repeat": "", "comma": ","}
"""How the entries of an array are told apart in their names; with a comma they are one value."""


def form(values: dict[str, Any], arrays: str = "indices") -> str:
    """`a=1&b[0]=2`, percent-encoded. Nothing is written for an empty array or object."""
    return "&".join(
        f"{quote(name, safe=UNRESERVED)}={quote(text, safe=UNRESERVED)}" for name, text in fields(values, arrays)
    )


def rewrite_form(text: str) -> str:
    """A form that is given as a text, with its names and values encoded anew."""
    return "&".join(
        f"{quote(name, safe=UNRESERVED)}={quote(value, safe=UNRESERVED)}"
        for name, value in parse_qsl(text, keep_blank_values=True)
    )


def flat_form(values: dict[str, Any]) -> str:
    """The fields of an object as a form; a list or an object among them as its text."""
    return "&".join(f"{quote(name)}={quote(conversions.to_string(value))}" for name, value in values.items())


def fields(values: dict[str, Any], arrays: str = "indices") -> Iterator[tuple[str, str]]:
    """Name and text of each field of a form."""
    for key, value in values.items():
        yield from _pairs(key, value, STYLES.get(arrays, "[{}]"))


def _pairs(name: str, value: Any, suffix: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _pairs(f"{name}[{key}]", child, suffix)
    elif isinstance(value, list) and suffix == STYLES["comma"]:
        yield name, ",".join("" if each is None else conversions.to_string(each) for each in value)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _pairs(name + suffix.format(index), child, suffix)
    else:
        yield name, "" if value is None else conversions.to_string(value)


def plain_numbers(value: Any) -> Any:
    """The value with whole numbers as JavaScript writes them: 1.0 is 1."""
    if isinstance(value, dict):
        return {name: plain_numbers(child) for name, child in value.items()}
    if isinstance(value, list):
        return [plain_numbers(child) for child in value]
    return conversions.plain_number(value) if isinstance(value, float) else value


def with_query(url: str, query: dict[str, Any], arrays: str = "indices") -> str:
    """The address with more parameters behind those that it has."""
    added = form(query, arrays)
    if not added:
        return url
    address = url.partition("#")[0]
    joint = "" if address.endswith("?") else "&" if "?" in address else "?"
    return address + joint + added


def read_url(text: str) -> str:
    """The address that a text means to a browser: without line breaks and tabs, and with "/" for a backslash before
    the query. Whatever judges an address has to judge this one."""
    address, rest = _ADDRESS.match(text.translate(_LOST).strip()).groups()  # type: ignore[union-attr]
    return address.replace("\\", "/") + rest


def encode_url(url: str) -> str:
    """The address percent-encoded where a path or a query could not hold a character, as browsers do it."""
    path, _, query = url.partition("#")[0].partition("?")
    return quote(without_dots(path), safe=_IN_PATH) + ("?" + quote(query, safe=_IN_QUERY) if query else "")


def without_dots(address: str) -> str:
    """The address with "." and ".." in its path followed, however they are written, as browsers do it."""
    origin, segments = _ORIGIN.match(address).groups()  # type: ignore[union-attr]
    if not segments:
        return address
    path: list[str] = []
    *before, last = segments[1:].split("/")
    for segment in before:
        _append_segment(segment, path)
    if _append_segment(last, path):
        path.append("")
    return f"{origin}/{'/'.join(path)}"


def _append_segment(segment: str, path: list[str]) -> bool:
    """Let a segment come behind those that are kept; whether it was one or two dots."""
    meaning = segment.lower().replace("%2e", ".") if len(segment) <= 6 else segment
    if meaning == "..":
        del path[-1:]
    elif meaning != ".":
        path.append(segment)
    return meaning in (".", "..")


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a multipart form; a file when it has a name of its own."""

    name: str
    content: bytes
    file_name: str | None = None
    mime_type: str | None = None


def multipart(parts: list[Part]) -> tuple[str, bytes]:
    """The content type, with its boundary, and the body."""
    boundary = f"----form-{secrets.token_hex(16)}"
    body = bytearray()
    for part in parts:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{_quote(part.name)}"'.encode()
        if part.file_name is not None:
            body += f'; filename="{_quote(part.file_name)}"'.encode()
        if part.mime_type is not None:
            body += f"\r\nContent-Type: {_one_line(part.mime_type)}".encode()
        body += b"\r\n\r\n" + part.content + b"\r\n"
    if parts:
        body += f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", bytes(body)


def _quote(text: str) -> str:
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _one_line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")
