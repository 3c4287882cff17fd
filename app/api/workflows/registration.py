"""Keeps the triggers of an active workflow in step with it, in the transaction that changes it.

What a workflow's triggers are is found out before that transaction: their expressions may take seconds, in which no
row is locked and no connection is held.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from app.api.evaluating import evaluating, read_variables
from app.api.face.auth import caller
from app.api.face.services import services
from app.repository import clock, listeners, polls, trigger_hooks, triggers
from app.repository.connection import Connection
from app.repository.trigger_hooks import NewHook
from app.repository.triggers import NewSchedule, NewWebhook
from app.triggers import forms, invalid_when_malformed, mcp
from app.triggers.chats import ChatAddress, chats_of
from app.triggers.forms import FormAddress
from app.triggers.mcp import McpAddress
from app.triggers.packaged import PackagedAddress, addresses_of
from app.triggers.paths import check_new
from app.triggers.polls import polls_of
from app.triggers.schedules import Schedule, next_time, schedules_of
from app.triggers.webhooks import check_number, webhooks_of

TOO_MANY = "Too many workflows are being activated at the moment"


@dataclass(frozen=True, slots=True)
class Triggers:
    """What is to be registered of a workflow."""

    webhooks: list[NewWebhook]
    schedules: list[Schedule]
    polls: list[str] = field(default_factory=list)
    """The nodes that look for something new, each with schedules of its own."""
    listeners: list[str] = field(default_factory=list)
    """The nodes that hold a connection."""
    hooks: list[NewHook] = field(default_factory=list)
    """What is to be arranged with providers."""


def read_triggers(document: dict[str, Any], project_id: str) -> Triggers:
    """The triggers of a document that has its id and is of this project; to be called outside of any transaction.

    Raises UnusableWorkflow and InvalidTrigger for a workflow that cannot be active, Refused when too many are being
    read already.
    """
    rules = services().rules
    rules.check_activation(document)
    check_number(document)
    if rules.starts_by_expressions(document):
        with evaluating(TOO_MANY, project_id):
            document = rules.without_expressions(document, lambda: read_variables(project_id))
    webhooks, base = own_webhooks(document), f"{services().settings.webhook_url}/webhook"
    packaged = addresses_of(document, rules.called_nodes(document, lambda: read_variables(project_id)), base)
    hooks = {each.node: NewHook(each.node, to_json(each.node, each.webhook.urls)) for each in packaged}
    timezone, polling = services().settings.timezone, rules.polling_nodes(document)
    return Triggers(
        [*webhooks, *(plain_address(each, each.method) for each in packaged)],
        [*schedules_of(document, timezone), *polls_of(document, polling, timezone)],
        polling,
        rules.listening_nodes(document),
        list(hooks.values()),
    )


def own_webhooks(document: dict[str, Any]) -> list[NewWebhook]:
    """The addresses of the nodes that this program knows: webhooks, forms, tools and chats."""
    return [
        *(
            NewWebhook(w.node, w.method, w.path, w.webhook_id, w.pattern, to_json(w.node, w.settings.to_json()))
            for w in webhooks_of(document)
        ),
        *(plain_address(form, forms.METHOD) for form in forms.forms_of(document, services().settings.timezone)),
        *(plain_address(server, mcp.METHOD) for server in mcp.mcp_servers_of(document)),
        *(plain_address(chat, chat.method) for chat in chats_of(document)),
    ]


def plain_address(address: FormAddress | McpAddress | ChatAddress | PackagedAddress, method: str) -> NewWebhook:
    """An address without parameters in its path."""
    return NewWebhook(address.node, method, address.path, None, address.path, to_json(address.node, address.settings))


def to_json(node: str, value: Any) -> bytes:
    """What is kept of a trigger, as JSON. Raises InvalidTrigger for what its parameters make too deep or too large."""
    with invalid_when_malformed({"name": node}):
        return orjson.dumps(value)


def register(connection: Connection, workflow_id: str, declared: Triggers) -> None:
    """Let the workflow be called and started as its triggers say.

    Raises AlreadyExists for an address that another workflow has, InvalidTrigger for one that only those can have that
    have had it before, and listeners.TooMany.
    """
    registered = triggers.paths_of(connection, workflow_id)
    for webhook in declared.webhooks:
        if webhook.path not in registered:
            check_new(webhook.node, webhook.path)
    trigger_hooks.ask_to_delete(connection, workflow_id, [hook.node for hook in declared.hooks])
    now = clock.now(connection)
    schedules = [
        NewSchedule(s.node, s.rule_index, orjson.dumps(s.rule), next_time(s.rule, now)) for s in declared.schedules
    ]
    triggers.register(connection, workflow_id, declared.webhooks, schedules, visible=caller().project_id)
    polls.register(connection, workflow_id, declared.polls)
    most = services().settings.project_listeners
    listeners.register(connection, workflow_id, declared.listeners, most=most)


def unregister(connection: Connection, workflow_id: str) -> None:
    """Let nothing start the workflow by itself any more, and have the providers call it no more."""
    trigger_hooks.ask_to_delete(connection, workflow_id)
    triggers.register(connection, workflow_id, [], [])
    polls.register(connection, workflow_id, [])
    listeners.register(connection, workflow_id, [], most=0)
