"""Query strings about executions."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from app.filters import FILTERS, Filter
from app.schemas.base import BoundedList, IsoTime, RowId, StrictSchema, any_of, query_flag
from app.schemas.pages import NumberPageQuery

ID_PATTERN = "^[1-9][0-9]{0,17}$"
INCLUDE_DATA = "Include `data`, `workflowData` and `customData`."
REDACT = "Leave out all data even with includeData=true."
IGNORE_LIMIT = "Include data however large it is."


def field_of(wanted: Filter) -> fields.Field[Any]:
    """The query parameter of a filter."""
    metadata = {"description": wanted.description}
    if wanted.kind == "time":
        return IsoTime(metadata=metadata)
    if wanted.kind == "text":
        length = validate.Length(*wanted.lengths)
        validator = validate_word if wanted.has_word else validate_storable
        return fields.String(validate=[length, validator], metadata=metadata)
    if wanted.kind == "words":
        return any_of((*wanted.words, *wanted.vain_words), wanted.description)
    each = (
        RowId(wanted.noun, metadata={"pattern": ID_PATTERN})
        if wanted.kind == "ids"
        else fields.String(validate=[validate.Length(*wanted.lengths), validate_storable])
    )
    return BoundedList(each, validate=validate.Length(1, 50), metadata=metadata)


def validate_storable(text: str) -> None:
    """Refuse what no text of the database can hold."""
    if "\x00" in text:
        raise ValidationError("Must not contain the character U+0000.")


def validate_word(text: str) -> None:
    """Refuse what no word can be found by."""
    if "\x00" in text or not any(character.isalnum() for character in text):
        raise ValidationError("Must have a letter or a digit.")


class ExecutionQuery(StrictSchema):
    """What to show of an execution."""

    include_data = query_flag(INCLUDE_DATA)
    ignore_data_size_limit = query_flag(IGNORE_LIMIT)
    redact_execution_data = query_flag(REDACT)

    @post_load
    def redact(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Show no data when the caller wants it redacted: what of it is harmless nobody can tell."""
        return {**data, "include_data": data["include_data"] and not data["redact_execution_data"]}


class ExecutionListQuery(ExecutionQuery, NumberPageQuery):
    """Which executions to list. Repeated parameters mean any of the values, different ones that all must hold."""

    class Meta(NumberPageQuery.Meta):
        include: ClassVar = {wanted.parameter: field_of(wanted) for wanted in FILTERS}

    last_id = RowId(metadata={"description": "Return executions after this id.", "pattern": ID_PATTERN})

    @validates_schema
    def check_metadata(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """A value alone says nothing, unless a cursor brings its key."""
        if data.get("metadata_value") and "metadata_key" not in data and "cursor" not in data:
            raise ValidationError("Needs metadataKey beside it.", "metadataValue")


IN_BODIES = {
    wanted.parameter: field_of(wanted)
    for wanted in FILTERS
    if wanted.parameter not in ("id", "status", "workflow_id", "started_after", "started_before")
}
"""The filters of a list that bodies spell in the same way; the others they have fields of their own for."""
