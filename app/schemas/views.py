"""Saved views of lists of executions: bodies and answers."""

from typing import Any
from urllib.parse import parse_qs, urlencode

from marshmallow import ValidationError, fields, post_load, validate

from app.schemas.base import CamelSchema, IsoTime, StrictSchema, name_field
from app.schemas.execution_queries import ExecutionListQuery
from app.schemas.pages import key_of

MAX_NAME_LENGTH = 100
MAX_QUERY_LENGTH = 4_000
MAX_PARAMETERS = 500
LIST = ExecutionListQuery()


def check_query(text: str) -> str:
    """The query string as it is stored: filters of GET /executions alone, in one order. Raises ValidationError."""
    try:
        given = parse_qs(text, strict_parsing=bool(text), errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise ValidationError("Must be a query string.", "query") from None
    known = {key_of(LIST, name): LIST.fields[name] for name in LIST.filters()}
    wanted: dict[str, Any] = {}
    for name, values in given.items():
        if name not in known:
            raise ValidationError(f"{name[:MAX_NAME_LENGTH]} is not a filter of a list of executions.", "query")
        is_list = isinstance(known[name], fields.List)
        if not is_list and len(values) > 1:
            raise ValidationError(f"{name} must be given once only.", "query")
        wanted[name] = values if is_list else values[0]
    try:
        LIST.load(wanted)
    except ValidationError as error:
        raise ValidationError({"query": error.messages_dict}) from None
    return urlencode({name: wanted[name] for name in known if name in wanted}, doseq=True)


class ViewBody(StrictSchema):
    """A new view."""

    name = name_field(MAX_NAME_LENGTH, required=True, metadata={"description": "No other view of the key has it."})
    query = fields.String(
        required=True,
        validate=validate.Length(0, MAX_QUERY_LENGTH),
        metadata={"description": "Filters as in the query string of GET /executions; empty for all executions."},
    )

    @post_load
    def normalize(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """The view with its query as it is stored. Raises ValidationError for one that is none of a list."""
        return {**data, "query": check_query(data["query"])}


class ViewSchema(CamelSchema):
    """A named list of executions."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    query = fields.String(required=True, metadata={"example": "status=error&workflowId=workflow_abc"})
    created_at = IsoTime(required=True)


class ViewListSchema(CamelSchema):
    """All views of the key, by name."""

    data = fields.List(fields.Nested(ViewSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True, metadata={"description": "Always null."})
