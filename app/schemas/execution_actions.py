"""Bodies of the calls that change executions, and the answers of those that change many."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from app.schemas.base import (
    BoundedList,
    IsoTime,
    StrictBoolean,
    StrictSchema,
    parse_execution_id,
    query_flag,
    tag_id_field,
    validate_text,
)
from app.schemas.execution_queries import IN_BODIES
from app.vocabulary import RETRYABLE, STATUSES, VOTES

STOPPABLE = ("running", "waiting", "queued")
MAX_AT_ONCE = 1_000
MAX_TAGS_ADDED = 10
MAX_CURSOR_LENGTH = 500
MAX_NOTE_LENGTH = 10_000
MAX_NODE_LENGTH = 255
MAX_RUN = 2**31 - 1


def statuses_field(names: tuple[str, ...], **options: Any) -> BoundedList:
    """A list of 1 to 20 of these statuses."""
    return BoundedList(fields.String(validate=validate.OneOf(names)), validate=validate.Length(1, 20), **options)


class BulkFilter(StrictSchema):
    """Which executions; conditions that all must hold."""

    workflow_id = fields.String(
        validate=validate.Length(1, 255),
        metadata={"description": 'The workflow\'s id; "all" or nothing for every workflow.'},
    )
    started_after = IsoTime(metadata={"description": "Only executions started after this time."})
    started_before = IsoTime(metadata={"description": "Only executions started before this time."})


class PlaceField(fields.Raw):
    """Where a retry goes on: "failure", "start", or {"node": "X", "run": 0}; loaded with its `run`."""

    default_error_messages = {  # noqa: RUF012
        "invalid": 'Must be "failure", "start", or an object with a node\'s name and a run: {{"node": "X", "run": 0}}.'
    }

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value in ("failure", "start"):
            return value
        if not isinstance(value, dict) or not {"node"} <= value.keys() <= {"node", "run"}:
            raise self.make_error("invalid")
        node, run = value["node"], value.get("run", 0)
        fits = isinstance(node, str) and 0 < len(node) <= MAX_NODE_LENGTH
        if not fits or isinstance(run, bool) or not isinstance(run, int) or not 0 <= run <= MAX_RUN:
            raise self.make_error("invalid")
        return {"node": node, "run": run}


PLACE = {
    "oneOf": [
        {"type": "string", "enum": ["failure", "start"]},
        {
            "type": "object",
            "properties": {"node": {"type": "string"}, "run": {"type": "integer", "minimum": 0}},
            "required": ["node"],
            "additionalProperties": False,
        },
    ],
    "description": "Where it goes on. At a node: what ran before stays, what comes after runs anew.",
}


class RetryBody(StrictSchema):
    """How to retry. `loadWorkflow` is as documented; `from` and `items` are this program's own."""

    load_workflow = StrictBoolean(
        load_default=False,
        metadata={"description": "Run the workflow as it is now (true) or as it was then (false)."},
    )
    place = PlaceField(data_key="from", load_default="failure", metadata=PLACE)
    items = BoundedList(
        fields.Dict(),
        validate=validate.Length(1, 100_000),
        metadata={"description": "Plain objects or n8n's items, in place of the input of the node where it goes on."},
    )


class RetryQuery(StrictSchema):
    """What may stand in the query string instead of the body."""

    load_workflow = query_flag("The same as loadWorkflow in the body.")


class ListFilter(BulkFilter):
    """Which executions, by whatever a list can be filtered by."""

    class Meta(BulkFilter.Meta):
        include: ClassVar = IN_BODIES

    @validates_schema
    def check_metadata(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """Raises ValidationError for a value of metadata without its key."""
        if "metadata_value" in data and "metadata_key" not in data:
            raise ValidationError("Needs metadataKey beside it.", "metadataValue")


class StopFilter(ListFilter):
    """Which executions to stop."""

    status = statuses_field(
        STOPPABLE, required=True, metadata={"description": "Statuses to stop; queued ones have the status new."}
    )
    ids = BoundedList(
        fields.String(validate=validate.Length(0, 255)),
        validate=validate.Length(1, MAX_AT_ONCE),
        metadata={"description": "Only these executions, as far as the other conditions hold."},
    )


class StopManyBody(StrictSchema):
    """Which executions to stop; the filter and its status are required, as documented."""

    filter = fields.Nested(StopFilter, required=True)


class RetryFilter(ListFilter):
    """Which executions to retry: those named by `ids`, or those that match the other conditions."""

    status = statuses_field(RETRYABLE, metadata={"description": "All three when absent."})
    ids = BoundedList(
        fields.String(validate=validate.Length(0, 255)),
        validate=validate.Length(1, MAX_AT_ONCE),
        metadata={"description": "These executions; not together with other conditions."},
    )

    @validates_schema
    def check_ids_stand_alone(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """Raises ValidationError for `ids` beside other conditions."""
        if "ids" in data and len(data) > 1:
            raise ValidationError("Cannot be combined with other conditions.", "ids")


class RetryManyBody(RetryBody):
    """How to retry, and which executions."""

    filter = fields.Nested(RetryFilter, required=True)
    dry_run = StrictBoolean(load_default=False, metadata={"description": "Only tell what would be retried."})


class AnyFilter(ListFilter):
    """Which executions, of whatever status; at least one condition."""

    status = statuses_field(STATUSES)

    @validates_schema
    def check_it_says_something(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """Raises ValidationError for a filter without a condition, which would mean everything."""
        if not data:
            raise ValidationError('Needs a condition; {"workflowId": "all"} means every execution.')


class Which(StrictSchema):
    """Which executions: either `ids` or `filter`."""

    ids = BoundedList(
        fields.String(validate=validate.Length(0, 255)),
        validate=validate.Length(1, MAX_AT_ONCE),
        metadata={"description": "Ids of executions; those that are gone already are fine.", "example": ["1042"]},
    )
    filter = fields.Nested(AnyFilter)

    @validates_schema
    def check_one_of_both(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """Raises ValidationError unless exactly one of `ids` and `filter` is there."""
        if ("ids" in data) == ("filter" in data):
            raise ValidationError("Give either ids or filter.")


class DeleteBody(Which):
    """What to delete: either `ids` or `filter`."""


class TagManyBody(Which):
    """What to tag, and with which tags."""

    tags = BoundedList(
        tag_id_field(),
        required=True,
        validate=validate.Length(1, MAX_TAGS_ADDED),
        metadata={
            "description": "Ids of tags to add to its own; an unknown id becomes a tag of that name.",
            "example": ["tag_production"],
        },
    )
    cursor = fields.String(
        validate=validate.Length(1, MAX_CURSOR_LENGTH),
        metadata={"description": "`nextCursor` of the answer before, with the same filter, to go on."},
    )

    @validates_schema
    def check_cursor(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """Raises ValidationError for a cursor beside `ids`, which are never paged."""
        if "cursor" in data and "ids" in data:
            raise ValidationError("Goes with filter, not with ids.", "cursor")


class AnnotationBody(StrictSchema):
    """What to note of an execution: all its tags and the vote, as documented, and a note."""

    tags = BoundedList(
        tag_id_field(),
        validate=validate.Length(0, 100),
        metadata={"description": "Ids of all tags that it shall carry; an unknown id becomes a tag of that name."},
    )
    vote = fields.String(
        allow_none=True,
        validate=validate.OneOf(VOTES),
        metadata={"description": "The vote; null takes it back."},
    )
    note = fields.String(
        allow_none=True,
        validate=[validate.Length(1, MAX_NOTE_LENGTH), validate_text],
        metadata={"description": "A text about it; null takes it back."},
    )


class UpdateBody(StrictSchema):
    """What to change of an execution, as documented: its annotation is all that can be."""

    annotation = fields.Nested(AnnotationBody, metadata={"description": "What is not named stays as it is."})


class TagIdBody(StrictSchema):
    """One of a list of tags."""

    id = tag_id_field(required=True)


def possible_ids(texts: list[str]) -> list[int]:
    """The numbers of those texts that can be ids of executions, each once."""
    numbers = (parse_execution_id(text) for text in texts)
    return list(dict.fromkeys(number for number in numbers if number is not None))
