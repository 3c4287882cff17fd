"""Items of n8n as they are shown: a table, JSON, the schema of what is there, and files. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.console.stored_values import TOO_DEEP, write_value
from app.http_rules import file_name_of

MAX_CELL_LENGTH = 300
MAX_JSON_LENGTH = 50_000
MAX_COLUMNS = 40
MAX_FIELDS = 300
MAX_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in a table: its text, cut if it is long, and what kind of value it is."""

    text: str
    kind: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Items as rows; `left_out` counts columns that are not shown."""

    columns: list[str]
    rows: list[tuple[int, list[Cell | None]]]
    left_out: int


@dataclass(frozen=True, slots=True)
class ItemField:
    """What is known of one place in all items: the names that lead to it, its kinds, an example."""

    place: tuple[str, ...]
    kinds: str
    example: str

    @property
    def depth(self) -> int:
        """How many objects it lies in; 0 at the top of an item."""
        return len(self.place) - 1

    @property
    def name(self) -> str:
        """The last of the names that lead to it."""
        return self.place[-1]


@dataclass(frozen=True, slots=True)
class File:
    """A file in an item, by the name that it has there."""

    item: int
    name: str
    file_name: str
    mime_type: str
    size: str


def json_of_item(item: Any) -> Any:
    """The data of an item without what it is paired with."""
    return item.get("json", item) if isinstance(item, dict) else item


def kind_of(value: Any) -> str:
    """The kind of a value, as pages name it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | orjson.Fragment):
        return "number"
    return "object" if isinstance(value, dict) else "list" if isinstance(value, list) else "text"


def cell(value: Any) -> Cell:
    """A value as it stands in a table."""
    text = value if isinstance(value, str) else write_value(value)
    cut = len(text) > MAX_CELL_LENGTH
    return Cell(text[:MAX_CELL_LENGTH] + "…" if cut else text, kind_of(value), cut)


def table(items: Sequence[Any], numbers: Sequence[int]) -> Table:
    """The items as a table, with their numbers."""
    rows = [json_of_item(item) for item in items]
    rows = [as_row(row) for row in rows]
    columns = list(dict.fromkeys(str(name) for row in rows for name in row))
    shown = columns[:MAX_COLUMNS]
    cells = [
        (number, [cell(row[name]) if name in row else None for name in shown])
        for number, row in zip(numbers, rows, strict=True)
    ]
    return Table(shown, cells, len(columns) - len(shown))


def as_row(value: Any) -> dict[str, Any]:
    """The data of an item by column; of a name that is there twice the last value, as n8n takes it."""
    return {str(name): inner for name, inner in value.items()} if isinstance(value, dict) else {"value": value}


def texts(items: Sequence[Any], numbers: Sequence[int]) -> list[tuple[int, str, bool]]:
    """Number, indented JSON, and whether it was cut, of each item."""
    shown = []
    for number, item in zip(numbers, items, strict=True):
        text = pretty(json_of_item(item))
        shown.append((number, text[:MAX_JSON_LENGTH], len(text) > MAX_JSON_LENGTH or TOO_DEEP in text))
    return shown


def pretty(value: Any) -> str:
    """The value as indented JSON."""
    return write_value(value, orjson.OPT_INDENT_2)


def schema(items: Iterable[Any]) -> list[ItemField]:
    """Where these items have values, and of which kinds."""
    places: dict[tuple[str, ...], tuple[dict[str, None], str]] = {}
    for item in items:
        note_places(json_of_item(item), (), places)
    return [ItemField(place, " or ".join(kinds), example) for place, (kinds, example) in sorted_places(places)]


def note_places(value: Any, place: tuple[str, ...], places: dict[tuple[str, ...], tuple[dict[str, None], str]]) -> None:
    """Add the kinds of a value and of all in it to `places`, each with its first example; no more than are shown."""
    if place and place not in places and len(places) >= MAX_FIELDS:
        return
    if place:
        kind = kind_of(value)
        example = "" if kind in ("object", "list") else cell(value).text[:80]
        kinds, former = places.setdefault(place, ({}, example))
        kinds[kind] = None
        if not former and example:
            places[place] = (kinds, example)
    if len(place) >= MAX_DEPTH:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            note_places(inner, (*place, str(name)), places)
    elif isinstance(value, list):
        for inner in value[:50]:
            note_places(inner, (*place, "[ ]"), places)


def sorted_places(places: Mapping[tuple[str, ...], Any]) -> list[tuple[tuple[str, ...], Any]]:
    """In the order in which they were first met, each below the one that it lies in."""
    order = {place: number for number, place in enumerate(places)}

    def key(place: tuple[str, ...]) -> list[int]:
        return [order.get(place[: length + 1], 0) for length in range(len(place))]

    return sorted(places.items(), key=lambda entry: key(entry[0]))


def files(items: Sequence[Any], numbers: Sequence[int]) -> list[File]:
    """The files of the items."""
    entries = []
    for number, item in zip(numbers, items, strict=True):
        binary = item.get("binary") if isinstance(item, dict) else None
        for name, entry in binary.items() if isinstance(binary, dict) else ():
            if isinstance(entry, dict):
                said = [str(entry.get(key) or "") for key in ("fileName", "mimeType", "fileSize")]
                entries.append(File(number, str(name), file_name_of(said[0] or name), said[1], said[2]))
    return entries


def contains(item: Any, text: str) -> bool:
    """Whether a text is somewhere in an item, without regard to case."""
    return text.lower() in write_value(json_of_item(item)).lower()


def has_expressions(parameters: Any) -> bool:
    """Whether parameters of a node have expressions."""
    if isinstance(parameters, dict | list):
        return any(map(has_expressions, parameters.values() if isinstance(parameters, dict) else parameters))
    return isinstance(parameters, str) and parameters[:1] == "=" and "{{" in parameters
