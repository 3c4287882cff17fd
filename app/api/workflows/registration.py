"""Keeps the triggers of an active workflow in step with it, in the transaction that changes it."""

from typing import Any

import orjson

from app.api.face.auth import caller
from app.api.face.services import services
from app.repository import clock, triggers
from app.repository.connection import Connection
from app.repository.triggers import NewSchedule, NewWebhook
from app.triggers.schedules import next_time, schedules_of
from app.triggers.webhooks import webhooks_of


def register(connection: Connection, workflow_id: str, document: dict[str, Any]) -> None:
    """Let the workflow be called and started as it says.

    Raises InvalidTrigger and InvalidWorkflow for what cannot be followed, AlreadyExists for an address
    that another workflow has.
    """
    document = services().rules.without_expressions(document)
    now = clock.now(connection)
    webhooks = [
        NewWebhook(w.node, w.method, w.path, w.webhook_id, w.pattern, orjson.dumps(w.settings.to_json()))
        for w in webhooks_of(document)
    ]
    schedules = [
        NewSchedule(s.node, s.rule_index, orjson.dumps(s.rule), next_time(s.rule, now)) for s in schedules_of(document)
    ]
    triggers.register(connection, workflow_id, webhooks, schedules, visible=caller().project_id)


def unregister(connection: Connection, workflow_id: str) -> None:
    """Let nothing start the workflow by itself any more."""
    triggers.register(connection, workflow_id, [], [])
