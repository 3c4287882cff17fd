"""The fields that Edit Fields makes: a name, a type and a value each, for every item.

They are resolved as rows of cells, a row an item: what is the same for all items is not made anew for each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app import dates
from app.engine.nodes.shared.date_texts import date_text
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.memory import estimate
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert

DEFAULTS = {"name": "undefined", "type": "string", "value": None}
PARSED = frozenset({"array", "object"})
"""Types of fields whose texts are read as JSON, for each item anew."""


@dataclass(frozen=True, slots=True)
class NamedFile:
    """The value of a field that holds a file: the name that the file has in the input, or the file itself."""

    source: Any


class NumberOfObject(float):
    """The number that a date or a duration is where a number is wanted."""


Row = list[Any]
"""The cells of one item."""


class Fields:
    """What the parameters say of the fields, in the order in which they are made.

    `cells` is to be resolved for each item. `given` are the fields as they stand in the parameters, and `places` where
    the name, the type and the value of each are in a row.
    """

    __slots__ = ("cells", "given", "places")

    def __init__(self, given: list[dict[str, Any]]) -> None:
        self.given = given
        self.cells: list[Any] = []
        self.places: list[tuple[int, int, int]] = []
        for field in given:
            whole = field if DEFAULTS.keys() <= field.keys() else {**field, **_missing(field)}
            begin, keys = len(self.cells), list(whole)
            self.cells += whole.values()
            self.places.append((begin + keys.index("name"), begin + keys.index("type"), begin + keys.index("value")))

    def templates(self, key: str) -> Iterator[tuple[int, dict[str, Any], str]]:
        """The fields whose name or value is an expression: the place in a row, the field, the expression."""
        for field, (name, _, value) in zip(self.given, self.places, strict=True):
            if isinstance(template := field.get(key), str) and template.startswith("="):
                yield (name if key == "name" else value), field, template

    def may_be_of(self, kind: str) -> list[tuple[int, int]]:
        """Where the type and the value stand of the fields that may be of this type, which may be an expression."""
        return [
            (at_kind, at_value)
            for field, (_, at_kind, at_value) in zip(self.given, self.places, strict=True)
            if (given := field.get("type", DEFAULTS["type"])) == kind
            or (isinstance(given, str) and given.startswith("="))
        ]

    def texts(self) -> list[tuple[str, int]] | None:
        """The names of the fields, each with the place of its value in a row, where all of them are texts whatever the
        item is, and no name can be a path. None: some are not."""
        names = []
        for field, (_, _, at_value) in zip(self.given, self.places, strict=True):
            name = field.get("name", DEFAULTS["name"])
            if field.get("type", DEFAULTS["type"]) != "string" or not isinstance(name, str) or name[:1] == "=":
                return None
            if "." in name or "[" in name or "]" in name:
                return None
            names.append((name, at_value))
        return names

    def convert(
        self, context: NodeContext, row: Row, times: dict[str, datetime], item: int, *, lenient: bool
    ) -> list[tuple[str, Any]]:
        """The names and values of one item's fields. Raises NodeError for a value that is not of its field's type."""
        made = []
        for at_name, at_kind, at_value in self.places:
            name, kind, value = row[at_name], row[at_kind], row[at_value]
            if not isinstance(name, str):
                name = conversions.to_string(name)
            if kind == "string":  # most are
                value = as_text(value)
            else:
                value = _convert(context, name, kind, value, times, item, lenient=lenient)
            made.append((name, value))
        return made


def _missing(field: dict[str, Any]) -> dict[str, Any]:
    return {key: default for key, default in DEFAULTS.items() if key not in field}


def as_text(value: Any) -> str | None:
    """The value of a field that holds a text."""
    return value if value is None or isinstance(value, str) else conversions.display(value)


def _convert(
    context: NodeContext, name: str, kind: Any, value: Any, times: dict[str, datetime], item: int, *, lenient: bool
) -> Any:
    if not isinstance(kind, str):
        raise NodeError(f"The type '{conversions.display(kind)}' of a field is not supported.", item_index=item)
    if kind == "binary":
        return NamedFile(value)
    if kind in PARSED and isinstance(value, str):
        context.hold(estimate(value))
    try:
        if isinstance(value, NumberOfObject):
            return conversions.convert(conversions.plain_number(float(value)), kind)
        return _as_time(value, times) if kind == "dateTime" else conversions.convert(value, kind)
    except CannotConvert:
        if not lenient:
            raise _wrong_type(name, kind, value, item) from None
        return None if value != value else float(value) if isinstance(value, NumberOfObject) else value


def _as_time(value: Any, times: dict[str, datetime]) -> Any:
    if value is None:
        return None
    time = times.get(date_text(value) or "")
    if time is None:
        raise CannotConvert
    return dates.to_local_iso(time)


def _wrong_type(name: str, kind: str, value: Any, item: int) -> NodeError:
    if isinstance(value, dict | list | NumberOfObject):
        shown = "array" if isinstance(value, list) else "object"
    else:
        shown = f"'{conversions.to_string(value)}'"
    return NodeError(
        f"'{name}' expects a {kind} but we got {shown}{dates.DATE_HINT if kind == 'dateTime' else ''} [item {item}]",
        description=(
            f'To fix the error try to change the type for the field "{name}" or activate the option '
            "\N{LEFT DOUBLE QUOTATION MARK}Ignore Type Conversion Errors\N{RIGHT DOUBLE QUOTATION MARK} "
            "to apply a less strict type validation"
        ),
        item_index=item,
    )
