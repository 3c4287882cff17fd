"""What goes on behind the executions: workers, queue, schedules, webhooks, sizes, keys, findings of the doctor."""

from datetime import UTC, datetime
from typing import Any, ClassVar

import orjson
from marshmallow import fields

from app.schemas.base import CamelSchema, IsoTime, describe, next_cursor_field
from app.schemas.cursors import InvalidCursor
from app.schemas.pages import PageQuery

MAX_INTEGER = 2**31 - 1


class PlacePageQuery(PageQuery):
    """A page of a list whose places have several parts; a cursor has them as a JSON list."""

    KINDS: ClassVar[tuple[type, ...]] = ()

    def load_last_id(self, text: str) -> list[Any]:
        """The parts of the place, of the types KINDS. Raises InvalidCursor."""
        try:
            parts = orjson.loads(text)
        except ValueError:
            raise InvalidCursor from None
        if not isinstance(parts, list) or tuple(map(type, parts)) != self.KINDS or "\x00" in "".join(map(str, parts)):
            raise InvalidCursor
        return parts


class ScheduleListQuery(PlacePageQuery):
    """A page of schedules, the soonest first: by time, workflow, node and number of the rule."""

    KINDS = (str, str, str, int)

    def load_last_id(self, text: str) -> list[Any]:
        """The place, its time as a datetime in UTC. Raises InvalidCursor."""
        moment, *names, index = super().load_last_id(text)
        try:
            time = datetime.fromisoformat(moment).astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidCursor from None
        if not 0 <= index <= MAX_INTEGER:
            raise InvalidCursor
        return [time, *names, index]


class WebhookListQuery(PlacePageQuery):
    """A page of addresses: by method, pattern and webhook id."""

    KINDS = (str, str, str)


class WorkerSchema(CamelSchema):
    """A worker that has not said good-bye."""

    id = fields.String(required=True)
    hostname = fields.String(required=True)
    pid = fields.Integer(required=True)
    slots = fields.Integer(required=True, metadata=describe("How many executions it runs at once."))
    running = fields.Integer(required=True, metadata=describe("How many it runs now."))
    alive = fields.Boolean(required=True, metadata=describe("False: its lease has lapsed."))
    started_at = IsoTime(required=True)
    heartbeat_at = IsoTime(required=True)


class WorkerListSchema(CamelSchema):
    """The newest 200 workers."""

    data = fields.List(fields.Nested(WorkerSchema), required=True)


class QueuedWorkflowSchema(CamelSchema):
    """How many executions of a workflow wait for a worker, and since when the oldest does."""

    workflow_id = fields.String(required=True)
    workflow_name = fields.String(required=True, allow_none=True)
    queued = fields.Integer(required=True)
    oldest_at = IsoTime(required=True)


class QueueSchema(CamelSchema):
    """What has not ended, each counted up to 100,000; by workflow, what waits among the oldest 10,000."""

    queued = fields.Integer(required=True)
    running = fields.Integer(required=True)
    waiting = fields.Integer(required=True)
    oldest_queued_seconds = fields.Float(required=True, metadata=describe("0 when nothing is queued."))
    workflows = fields.List(
        fields.Nested(QueuedWorkflowSchema),
        required=True,
        metadata=describe("The longest queue first, at most 200."),
    )


class ScheduleSchema(CamelSchema):
    """When an active workflow starts by itself."""

    workflow_id = fields.String(required=True)
    workflow_name = fields.String(required=True)
    node = fields.String(required=True)
    rule = fields.Integer(required=True, metadata=describe("Which of the node's rules, counted from 0."))
    next_at = IsoTime(required=True)
    last_at = IsoTime(required=True, allow_none=True)


class SchedulePageSchema(CamelSchema):
    """A page of schedules, the soonest first."""

    data = fields.List(fields.Nested(ScheduleSchema), required=True)
    next_cursor = next_cursor_field()


class WebhookSchema(CamelSchema):
    """Where an active workflow can be called."""

    workflow_id = fields.String(required=True)
    workflow_name = fields.String(required=True)
    node = fields.String(required=True)
    method = fields.String(required=True)
    path = fields.String(required=True, metadata=describe("As the node has it, with parameters as `:name`."))
    url = fields.String(required=True)


class WebhookPageSchema(CamelSchema):
    """A page of addresses, by method and path."""

    data = fields.List(fields.Nested(WebhookSchema), required=True)
    next_cursor = next_cursor_field()


class TableSizeSchema(CamelSchema):
    """How large a table of the database is."""

    name = fields.String(required=True)
    rows = fields.Integer(required=True, metadata=describe("As the planner knows it."))
    size_bytes = fields.Integer(required=True, metadata=describe("With its indexes."))


class StorageSchema(CamelSchema):
    """How large the database is on disk."""

    size_bytes = fields.Integer(required=True)
    tables = fields.List(fields.Nested(TableSizeSchema), required=True, metadata=describe("The largest eight."))


class ApiKeySchema(CamelSchema):
    """An API key, without the key itself, of which only the SHA-256 is stored."""

    id = fields.String(required=True)
    label = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True, metadata=describe("`*` stands for all."))
    project_id = fields.String(required=True, allow_none=True, metadata=describe("Null: every project."))
    user_id = fields.String(required=True, allow_none=True, metadata=describe("Null: the owner's."))
    created_at = IsoTime(required=True)
    expires_at = IsoTime(required=True, allow_none=True)
    last_used_at = IsoTime(required=True, allow_none=True, metadata=describe("To the minute."))


class ApiKeyPageSchema(CamelSchema):
    """A page of the keys that are not revoked."""

    data = fields.List(fields.Nested(ApiKeySchema), required=True)
    next_cursor = next_cursor_field()


class FindingSchema(CamelSchema):
    """One thing that the doctor has looked at."""

    subject = fields.String(required=True)
    state = fields.String(required=True)
    advice = fields.String(required=True, allow_none=True, metadata=describe("What to do; null when it is well."))


class ExaminationSchema(CamelSchema):
    """What `flask doctor` says, seen from the machine that answers."""

    healthy = fields.Boolean(required=True, metadata=describe("No finding has advice."))
    findings = fields.List(fields.Nested(FindingSchema), required=True)
