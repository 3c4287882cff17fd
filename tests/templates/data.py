"""Items for what a node reads: plausible ones, odd ones and empty ones. The same for the same shape, on any day."""

import json
import re
import zlib
from typing import Any

from tests.templates.shapes import Shape

Json = dict[str, Any]
KINDS = ("plausible", "odd", "empty")
MAX_DEPTH = 8

HTML = (
    '<!DOCTYPE html><html lang="en"><head><title>Shop &amp; More</title><meta name="description" content="About">'
    '</head><body><div id="main" class="content"><h1 class="title">Head &lt;1&gt;</h1><h2>Second</h2><p>Text <b>b</b> '
    'and <a class="link" href="/a?x=1&amp;y=2">a link</a><br>next line</p><ul><li class="item">One</li><li>'
    'Two</li></ul><table><tr><td>A</td><td>1</td></tr></table><article><a href="https://example.com/p">Post</a>'
    '<img src="/i.png" alt="pic"></article><div class="price" data-id="7">€ 12,50</div></div></body></html>'
)
XML = (
    '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
    '<title>Feed &amp; co</title><item id="1"><title><![CDATA[First <b>]]></title><link>https://example.com/1</link>'
    '<dc:creator>Ada</dc:creator></item><item id="2"><title>Second</title></item></channel></rss>'
)
WORDS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    (r"e?mail", ("ada@example.com", "Bob.Müller@example.org", "c@example.net")),
    (r"url|link|href|website|image|avatar", ("https://example.com/a?b=1", "http://example.org/p/2", "https://x.test/")),
    (
        r"date|time|created|updated|_at$|At$|deadline",
        ("2024-03-05T14:30:00.000Z", "2024-02-29T08:00:00Z", "2023-12-31"),
    ),
    (r"^(is|has)[A-Z_]|enabled|active|success|ok$|valid", (True, False, True)),
    (
        r"price|amount|cost|total|count|score|num|size|age|rating|qty|quantity|index|percent|lat|lon|budget",
        (12.5, 3, 40),
    ),
    (r"phone|mobile", ("+49 170 1234567", "0049-30-1234", "555 0100")),
    (r"id$", ("a1B2", "77", "x-3")),
    (r"name|title|subject|company", ("Ada Lovelace", "Bob & Co.", "Zoë O'Neil")),
    (r"status|state|type|category", ("active", "open", "done")),
)
PLAIN = ("Some text, with a comma", 'A "quoted" line\nand another', "über & <b>Ärger</b>")
ODD_TEXT = (None, 12.5, "", ["p", "q"], {"k": "v"}, True)
ODD_NUMBER = ("7", None, "abc", -0.5)
ODD_BOOLEAN = ("true", 0, None, "yes")


def items(shape: Shape, number: int, data: str = "plausible") -> list[Json]:
    """So many items of the shape; `data` is one of KINDS."""
    if data == "empty":
        return [{"x": 1} if each == 1 else {} for each in range(number)]
    made = [_object(shape, each, MAX_DEPTH) for each in range(number)]
    return made if data == "plausible" else [odd(item, each) for each, item in enumerate(made)]


def odd(value: Any, turn: int) -> Any:
    """The value with others in its leaves: null, another type, nothing."""
    if isinstance(value, dict):
        return {name: odd(each, turn + place) for place, (name, each) in enumerate(value.items())}
    if isinstance(value, list):
        return [None, [odd(value[0], turn) if value else 1], "notalist", {}][turn % 4]
    if isinstance(value, bool):
        return ODD_BOOLEAN[turn % 4]
    if isinstance(value, int | float):
        return ODD_NUMBER[turn % 4]
    return ODD_TEXT[turn % 6] if isinstance(value, str) else value


def _object(shape: Shape, turn: int, depth: int) -> Json:
    fields = list(shape.fields.items())[:200]
    return {name: _value(name, each, turn, depth - 1) for name, each in fields} or {
        "id": turn + 1,
        "name": f"Item {turn}",
    }


def _value(name: str, shape: Shape, turn: int, depth: int) -> Any:
    if shape.is_list:
        one = Shape(shape.fields, False, shape.hints - {"text"}, shape.texts)
        return [_single(name, one, turn + place, depth) for place in range(2)] if depth > 0 else []
    return _single(name, shape, turn, depth)


def _single(name: str, shape: Shape, turn: int, depth: int) -> Any:
    if shape.fields and depth > 0:
        return _object(shape, turn, depth)
    hints = shape.hints
    if "html" in hints or "xml" in hints:
        return HTML if "html" in hints else XML
    if "json" in hints:
        return json.dumps({"id": turn, "name": "Ada", "list": [1, 2]})
    if shape.texts and turn % 2 == 0:
        return shape.texts[zlib.crc32(name.encode()) % len(shape.texts)]
    if "object" in hints:
        return {"id": turn, "name": "Ada"}
    if "date" in hints:
        return WORDS[2][1][turn % 3]
    if "number" in hints:
        return WORDS[4][1][turn % 3]
    if "boolean" in hints:
        return turn % 2 == 0
    for pattern, values in WORDS:
        if re.search(pattern, name, re.IGNORECASE if pattern[0] != "^" else 0):
            value = values[turn % 3]
            return str(value) if "text" in hints else value
    return PLAIN[turn % 3]


def as_expression(value: Any) -> str:
    """JSON that can stand within an expression: no two braces side by side."""
    pieces = re.findall(r'"(?:[^"\\]|\\.)*"|[^"]+', json.dumps(value, ensure_ascii=False))
    escaped = {"{": "\\u007b", "}": "\\u007d"}
    return "".join(
        re.sub(r"(?<=\{)\{|(?<=\})\}", lambda brace: escaped[brace[0]], each)
        if each.startswith('"')
        else re.sub(r"(?<=[{}])(?=[{}])", " ", each)
        for each in pieces
    )
