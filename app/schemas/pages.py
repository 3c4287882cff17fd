"""Query strings of lists: a limit, a cursor, and filters that the cursor carries on."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar
from uuid import UUID

from marshmallow import ValidationError, fields, post_load, validate

from app.schemas.base import QueryFlag, StrictSchema, WholeNumber, parse_execution_id, parse_uuid
from app.schemas.cursors import Cursor, InvalidCursor, decode_cursor, encode_cursor

DEFAULT_LIMIT = 100
MAX_LIMIT = 250
MAX_SKIPPED = 10_000
POSSIBLE_ID = re.compile(r"[^/\x00-\x1f\x7f]{1,64}")


class Identified(Protocol):
    """A row of a list that is ordered by its ids."""

    @property
    def id(self) -> Any:
        """What the list is ordered by; a cursor has it as `lastId`."""


Row = TypeVar("Row", bound=Identified)
AnyRow = TypeVar("AnyRow")


class PageQuery(StrictSchema):
    """A page of a list. Loads to a dict without `cursor`: what it says is merged in, `last_id` among it.

    Raises ValidationError for a cursor that is not ours and for parameters that contradict it.
    """

    limit = WholeNumber(
        validate=validate.Range(1, error="Must be at least 1."),
        metadata={
            "description": f"How many to return at most; more than {MAX_LIMIT} means {MAX_LIMIT}.",
            "default": DEFAULT_LIMIT,
        },
    )
    cursor = fields.String(
        metadata={
            "description": "`nextCursor` of the page before, to get the next one.",
            "pattern": "^[A-Za-z0-9_-]+={0,2}$",
        }
    )

    @post_load(pass_original=True)
    def follow_cursor(self, data: dict[str, Any], original: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Merge in what the cursor says."""
        text = data.pop("cursor", None)
        if "limit" in data:
            data["limit"] = min(data["limit"], MAX_LIMIT)
        if text is None:
            data.setdefault("limit", DEFAULT_LIMIT)
            data.setdefault("last_id", None)
            return data
        cursor = decode_cursor(text)
        carried = self.load_carried(cursor)
        for name in ("last_id", *self.filters()):
            key = key_of(self, name)
            if key in original and as_comparable(data.get(name)) != as_comparable(carried.get(name)):
                raise ValidationError("Contradicts the cursor.", key)
        return {**data, **carried, "limit": data.get("limit", cursor.limit)}

    def filters(self) -> list[str]:
        """The names of all that says which list it is; the cursor carries them."""
        places = ("limit", "cursor", "last_id")
        return [n for n, field in self.fields.items() if n not in places and not isinstance(field, QueryFlag)]

    def load_carried(self, cursor: Cursor) -> dict[str, Any]:
        """The filters of a cursor as this schema loads them. Raises InvalidCursor."""
        names = {key_of(self, name) for name in self.filters()}
        if not names.issuperset(cursor.filters) or not 1 <= cursor.limit <= MAX_LIMIT:
            raise InvalidCursor
        try:
            loaded = self.load(cursor.filters)
        except ValidationError:
            raise InvalidCursor from None
        filters = {name: loaded[name] for name in self.filters() if name in loaded}
        return {**filters, "last_id": self.load_last_id(cursor.last_id)}

    def load_last_id(self, text: str) -> Any:
        """The id that a page starts after. Raises InvalidCursor for one that cannot exist."""
        if not POSSIBLE_ID.fullmatch(text):
            raise InvalidCursor
        return text

    def bounds(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """What a list that is ordered by texts is asked for: one more than the page holds, after the page before."""
        return {"limit": query["limit"] + 1, "after": query["last_id"] or ""}

    def cut(self, query: Mapping[str, Any], rows: list[Row]) -> tuple[list[Row], str | None]:
        """The page that `query` asked for, and the cursor for what follows; None: nothing follows.

        `rows` are one more than the page's limit where there are more.
        """
        return self.cut_by_place(query, rows, lambda row: str(row.id))

    def cut_by_place(
        self, query: Mapping[str, Any], rows: list[AnyRow], place_of: Callable[[AnyRow], str]
    ) -> tuple[list[AnyRow], str | None]:
        """The same of a list in another order than that of ids: `place_of` says where a row stands in it."""
        page = rows[: query["limit"]]
        return page, self.next_cursor(query, place_of(page[-1])) if len(rows) > len(page) else None

    def next_cursor(self, query: Mapping[str, Any], last_id: str) -> str:
        """The cursor for what follows `last_id` in the list that `query` asked for."""
        filters = {
            key_of(self, name): self.fields[name].serialize(name, query)
            for name in self.filters()
            if query.get(name) is not None
        }
        return encode_cursor(Cursor(last_id, query["limit"], filters))


class OffsetPageQuery(PageQuery):
    """A page of a list that may begin further on, as in n8n."""

    offset = WholeNumber(
        validate=validate.Range(0, MAX_SKIPPED),
        metadata={"description": "How many to leave out at the start; nextCursor goes on from there.", "default": 0},
    )

    def filters(self) -> list[str]:
        """The filters that a cursor carries; `offset` counts for the first page alone."""
        return [name for name in super().filters() if name != "offset"]


class NumberPageQuery(PageQuery):
    """A page of a list in the order of its ids, which are numbers."""

    def load_last_id(self, text: str) -> int:
        """The id as a number. Raises InvalidCursor for what no id can be."""
        number = parse_execution_id(text)
        if number is None:
            raise InvalidCursor
        return number


class UuidPageQuery(PageQuery):
    """A page of a list in the order of UUIDs."""

    def load_last_id(self, text: str) -> UUID:
        """The id as a UUID. Raises InvalidCursor for text that is none."""
        uuid = parse_uuid(text)
        if uuid is None:
            raise InvalidCursor
        return uuid


def key_of(schema: PageQuery, name: str) -> str:
    """The name of a field's query parameter."""
    return schema.fields[name].data_key or name if name in schema.fields else name


def as_comparable(value: Any) -> Any:
    """Repeated values mean any of them, in whatever order."""
    return frozenset(value) if isinstance(value, list) else value
