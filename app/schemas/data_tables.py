"""Data tables: bodies, query strings, answers."""

from typing import Any

import orjson
from marshmallow import INCLUDE, ValidationError, fields, validate

from app.data_tables.values import TYPES
from app.schemas.base import (
    BoundedList,
    CamelSchema,
    IsoTime,
    StrictBoolean,
    StrictSchema,
    WholeNumber,
    next_cursor_field,
    project_id_field,
    query_flag,
)
from app.schemas.cursors import InvalidCursor
from app.schemas.pages import PageQuery

MAX_NAME_LENGTH = 1_000
"""Of a column; which names it may have is told with its table."""
MAX_FILTER_LENGTH = 4_000
MAX_PLACE_LENGTH = 2_000
FILTER = (
    'Which rows: `{"type": "and", "filters": [{"columnName": "age", "condition": "gt", "value": 30}]}`. '
    "Conditions: eq, neq, like, ilike, gt, gte, lt, lte, isEmpty, isNotEmpty; `type` may be or."
)


class JsonText(fields.String):
    """A JSON object as a text of a query string."""

    default_error_messages = {"invalid_json": "Must be a JSON object."}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > MAX_FILTER_LENGTH:
            raise ValidationError(f"Must have at most {MAX_FILTER_LENGTH:,} characters.")
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise self.make_error("invalid_json") from None
        if not isinstance(document, dict):
            raise self.make_error("invalid_json")
        return document

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else orjson.dumps(value).decode()


class SortedQuery(PageQuery):
    """A page of a list that can be sorted; the cursor's place is read by whoever knows the list."""

    def load_last_id(self, text: str) -> str:
        """The text of the place, unread. Raises InvalidCursor for one of no possible length."""
        if not 1 <= len(text) <= MAX_PLACE_LENGTH:
            raise InvalidCursor
        return text


class TableQuery(SortedQuery):
    """Which data tables, and in which order."""

    filter = JsonText(
        metadata={"description": '`{"name": "part of it", "id": ..., "projectId": ...}`; each may be a list.'}
    )
    sort_by = fields.String(
        validate=validate.OneOf(
            [f"{key}:{way}" for key in ("name", "createdAt", "updatedAt", "size") for way in ("asc", "desc")]
        ),
        metadata={"description": "What the list is sorted by; by id without it."},
    )


class RowQuery(SortedQuery):
    """Which rows of a data table, and in which order."""

    filter = JsonText(metadata={"description": FILTER})
    sort_by = fields.String(
        validate=validate.Length(1, 100), metadata={"description": "`COLUMN:asc` or `COLUMN:desc`; by id without it."}
    )
    search = fields.String(
        validate=validate.Length(1, 1_000), metadata={"description": "Only rows with this text in some cell."}
    )


class RowDeletionQuery(StrictSchema):
    """Which rows to delete; a filter is required, so that nobody deletes all of them by mistake."""

    filter = JsonText(required=True, metadata={"description": FILTER})
    return_data = query_flag("Answer with the rows that were deleted.")
    dry_run = query_flag("Delete nothing, but answer with what would be deleted.")


class NewColumnSchema(StrictSchema):
    """A column of a new table. Its name and type are checked with the table."""

    name = fields.String(required=True, validate=validate.Length(max=MAX_NAME_LENGTH))
    type = fields.String(required=True, validate=validate.Length(max=MAX_NAME_LENGTH))


class TableBody(StrictSchema):
    """A new data table with at most 200 columns."""

    name = fields.String(required=True, validate=validate.Length(1, 128))
    columns = BoundedList(fields.Nested(NewColumnSchema), required=True, validate=validate.Length(max=200))
    project_id = project_id_field("The project to put it into; the key's own by default.")


class TableChange(StrictSchema):
    """The new name of a data table."""

    name = fields.String(required=True, validate=validate.Length(1, 128))


class ColumnBody(StrictSchema):
    """A new column. Its name and type are checked with the table."""

    name = fields.String(required=True, validate=validate.Length(max=MAX_NAME_LENGTH))
    type = fields.String(required=True, validate=validate.Length(max=MAX_NAME_LENGTH))
    index = WholeNumber(validate=validate.Range(0), metadata={"description": "Its place; last without it."})


class ColumnChange(StrictSchema):
    """A column's new name, place, or both; None stays as it is."""

    name = fields.String(load_default=None, validate=validate.Length(max=MAX_NAME_LENGTH))
    index = WholeNumber(load_default=None, validate=validate.Range(0))


class RowsBody(StrictSchema):
    """Rows to add, all or none: values by names of columns."""

    data = BoundedList(fields.Dict(keys=fields.String()), required=True, validate=validate.Length(1))
    return_type = fields.String(
        load_default="count",
        validate=validate.OneOf(["count", "id", "all"]),
        metadata={"description": "What the answer holds: their number, their ids, or all of them."},
    )


class RowChange(StrictSchema):
    """Which rows to change, and what to."""

    filter = fields.Dict(keys=fields.String(), required=True, metadata={"description": FILTER})
    data = fields.Dict(keys=fields.String(), required=True, metadata={"description": "Values by names of columns."})
    return_data = StrictBoolean(load_default=False, metadata={"description": "Answer with the rows."})
    dry_run = StrictBoolean(
        load_default=False, metadata={"description": "Change nothing, but answer with the rows before and after."}
    )


class ColumnSchema(CamelSchema):
    """A column of a data table."""

    id = fields.String(required=True)
    data_table_id = fields.String(required=True)
    name = fields.String(required=True)
    type = fields.String(required=True, validate=validate.OneOf(TYPES))
    index = fields.Integer(required=True)
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)


class TableSchema(CamelSchema):
    """A data table; what its cells take is `sizeBytes`."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    project_id = fields.String(required=True)
    columns = fields.List(fields.Nested(ColumnSchema), required=True)
    size_bytes = fields.Integer(required=True)
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)


class TablePageSchema(CamelSchema):
    """A page of data tables."""

    data = fields.List(fields.Nested(TableSchema), required=True)
    next_cursor = next_cursor_field()


class RowSchema(CamelSchema):
    """A row; its values are beside these, by the names of columns."""

    class Meta:
        unknown = INCLUDE

    id = fields.Integer(required=True)
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)


class RowPageSchema(CamelSchema):
    """A page of rows."""

    data = fields.List(fields.Nested(RowSchema), required=True)
    next_cursor = next_cursor_field()


class ClearedSchema(CamelSchema):
    """How many rows there were."""

    deleted_count = fields.Integer(required=True)
