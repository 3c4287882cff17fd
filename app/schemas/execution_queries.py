"""Query strings about executions."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.schemas.base import ExecutionId, IsoTime, StrictSchema, any_of, execution_id, query_flag
from app.schemas.cursors import InvalidCursor
from app.schemas.pages import PageQuery
from app.vocabulary import MODES, STATUSES, VOTES

ID_PATTERN = "^[1-9][0-9]{0,17}$"
INCLUDE_DATA = "Include `data`, `workflowData` and `customData`."
IGNORE_LIMIT = "Include data however large it is."


def any_text(description: str) -> fields.List[Any]:
    return fields.List(
        fields.String(validate=validate.Length(1, 255)),
        validate=validate.Length(1, 50),
        metadata={"description": description},
    )


class ExecutionQuery(StrictSchema):
    """What to show of one execution."""

    include_data = query_flag(INCLUDE_DATA)
    ignore_data_size_limit = query_flag(IGNORE_LIMIT)


class ExecutionListQuery(PageQuery):
    """Which executions to list. Repeated parameters mean any of the values, different ones that all must hold."""

    FILTERS = (
        "status",
        "mode",
        "workflow_id",
        "project_id",
        "retry_of",
        "tag",
        "vote",
        "started_after",
        "started_before",
        "metadata_key",
        "metadata_value",
    )

    last_id = ExecutionId(metadata={"description": "Return executions after this id.", "pattern": ID_PATTERN})
    status = any_of(STATUSES, "Only executions with this status.")
    mode = any_of(MODES, "Only executions with this mode.")
    workflow_id = any_text("Only executions of this workflow.")
    project_id = any_text("Only executions of this project.")
    retry_of = fields.List(
        ExecutionId(metadata={"pattern": ID_PATTERN}),
        validate=validate.Length(1, 50),
        metadata={"description": "Only retries of this execution."},
    )
    tag = any_text("Only executions that carry the tag with this id.")
    vote = any_of(VOTES, "Only executions with this vote.")
    started_after = IsoTime(metadata={"description": "Only executions started after this."})
    started_before = IsoTime(metadata={"description": "Only executions started before this."})
    metadata_key = fields.String(
        validate=validate.Length(1, 255),
        metadata={"description": "Only executions that noted custom data under this key."},
    )
    metadata_value = fields.String(
        validate=validate.Length(0, 4096),
        metadata={"description": "Together with metadataKey: only executions that noted exactly this value."},
    )
    include_data = query_flag(INCLUDE_DATA)
    ignore_data_size_limit = query_flag(IGNORE_LIMIT)

    def load_last_id(self, text: str) -> int:
        number = execution_id(text)
        if number is None:
            raise InvalidCursor
        return number

    @validates_schema
    def check_metadata(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """A value alone says nothing, unless a cursor brings its key."""
        if "metadata_value" in data and "metadata_key" not in data and "cursor" not in data:
            raise ValidationError("Needs metadataKey beside it.", "metadataValue")
