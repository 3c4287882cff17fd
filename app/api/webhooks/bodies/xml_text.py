"""XML as JSON's text, in the shape in which n8n shows it. Knows no DTD, and so no entities but XML's own five."""

import io
import re
from xml.parsers import expat

import orjson

from app.api.webhooks.bodies.charsets import as_utf_8
from app.api.webhooks.bodies.errors import UnreadableBody

MAX_DEPTH = 200
PIECE_BYTES = 16 * 2**10
MAX_ELEMENTS = 200_000
MAX_NAMES = 10_000
"""Different names of elements and attributes; the parser keeps each of them."""
MAX_ATTRIBUTES = 1_000

_TOO_MANY_ATTRIBUTES = re.compile(
    rb"<[^\s<>/!?]++(?:\s++[^\s=<>]++\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+')){%d}" % (MAX_ATTRIBUTES + 1)
)
_DECLARED = re.compile(rb"\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_SPACES = re.compile(r"\s{2,}")


def xml_text(data: bytes, charset: str | None) -> orjson.Fragment:
    """An XML document as a JSON object. Raises UnreadableBody for what is none, or beyond the bounds of this module."""
    declared = _DECLARED.match(data)
    if charset is None:
        charset = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else declared and declared[1].decode()
    text = as_utf_8(data, charset)
    if _TOO_MANY_ATTRIBUTES.search(text):
        raise UnreadableBody(f"An element has more than {MAX_ATTRIBUTES} attributes")
    return orjson.Fragment(_Reader().read(text))


class _Pieces:
    """Bytes that are put together. Small ones are copied; a large one stays as it is, however often it is passed on."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[bytes | bytearray] = []

    def add(self, data: bytes | bytearray) -> None:
        last = self.pieces[-1] if self.pieces else b""
        if isinstance(last, bytearray) and len(last) < PIECE_BYTES and len(data) < PIECE_BYTES:
            last += data
        else:
            self.pieces.append(data if len(data) >= PIECE_BYTES else bytearray(data))

    def add_all(self, others: "_Pieces") -> None:
        for piece in others.pieces:
            if len(piece) < PIECE_BYTES:
                self.add(piece)
            else:
                self.pieces.append(piece)


class _Element:
    """An element that has begun; `children` holds the JSON of those that have ended, by name."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: dict[str, tuple[int, _Pieces]] = {}
        self.text: list[str] = []

    def add(self, name: str, content: _Pieces) -> None:
        if (earlier := self.children.get(name)) is None:
            self.children[name] = (1, content)
            return
        count, joined = earlier
        joined.add(b",")
        joined.add_all(content)
        self.children[name] = (count + 1, joined)

    def json(self) -> _Pieces:
        """Its text, or an object with its text, attributes and children; several of one name are a list."""
        text, made = _normalize("".join(self.text)), _Pieces()
        if not self.attributes and not self.children:
            made.add(orjson.dumps(text))
            return made
        before = b"{"
        if text and "_" not in self.children:
            made.add(before + b'"_":')
            made.add(orjson.dumps(text))
            before = b","
        if self.attributes:
            made.add(before + b'"$":')
            made.add(orjson.dumps(self.attributes))
            before = b","
        for name, (count, joined) in self.children.items():
            made.add(before + orjson.dumps(name) + (b":" if count == 1 else b":["))
            made.add_all(joined)
            before = b"," if count == 1 else b"],"
        made.add(b"}" if before[:1] != b"]" else b"]}")
        return made


class _Reader:
    def __init__(self) -> None:
        # The text is UTF-8 by now, whatever its own declaration says.
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._add_text
        self._parser = parser
        self._open = [_Element("", {})]
        self._elements = 0
        self._names: set[str] = set()

    def read(self, text: bytes) -> bytes:
        try:
            self._parser.Parse(text, True)
        except expat.ExpatError as error:
            raise UnreadableBody(str(error)) from None
        return b"".join(self._open[0].json().pieces)

    def _refuse_doctype(self, *_: object) -> None:
        # An exception makes the parser stop at once: what the DTD declares is never read.
        raise UnreadableBody("XML with a document type declaration is not read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._names.add(name)
        self._names.update(attributes)
        if self._elements > MAX_ELEMENTS:
            raise UnreadableBody(f"The XML has more than {MAX_ELEMENTS} elements")
        if len(self._open) > MAX_DEPTH:
            raise UnreadableBody(f"The XML is nested more than {MAX_DEPTH} levels deep")
        if len(self._names) > MAX_NAMES:
            raise UnreadableBody(f"The XML has more than {MAX_NAMES} different names")
        self._open.append(_Element(name.lower(), attributes))

    def _end(self, _: str) -> None:
        ended = self._open.pop()
        self._open[-1].add(ended.name, ended.json())

    def _add_text(self, text: str) -> None:
        self._open[-1].text.append(text)


def _normalize(text: str) -> str:
    """The text without space around it, and with one space for several."""
    text = text.strip()
    if not _SPACES.search(text):
        return text
    made, end = io.StringIO(), 0
    for spaces in _SPACES.finditer(text):
        made.write(text[end : spaces.start()])
        made.write(" ")
        end = spaces.end()
    made.write(text[end:])
    return made.getvalue()
