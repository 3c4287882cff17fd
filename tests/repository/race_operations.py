"""What can happen to one execution or workflow, each as a transaction of its own, for the races to choose from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from app.repository import annotations, deletions, lifecycle, pruning, retries, triggers, workers, workflows
from app.repository.connection import Connection
from app.repository.execution_filters import ExecutionFilter
from app.repository.lifecycle import Result
from app.repository.triggers import NewWebhook
from app.triggers.webhooks import webhooks_of
from tests.repository.given import DATA, a_new_execution, a_worker, a_workflow
from tests.soak import audit
from tests.workflows import chain, node

LEASE = 30.0
PAST = datetime.fromtimestamp(0, UTC)
STATES = ("new", "running", "waiting", "waiting for a call", "success", "error", "canceled", "crashed")

# Quicker than TRUNCATE for a few rows.
EMPTY = """
    DELETE FROM executions;
    DELETE FROM workers;
    DELETE FROM workflows;
    DELETE FROM workflow_versions;
    DELETE FROM counters;
    DELETE FROM soak_inputs;
    DELETE FROM soak_steps
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """Two executions of one workflow, `original` failed and `retry` its retry, and two workers."""

    workflow_id: str
    first: int
    second: int
    original: int
    retry: int
    holder: int
    other: int


def document(path: str) -> dict[str, Any]:
    """A workflow with one webhook."""
    return chain(node("Hook", "webhook", {"path": path, "options": {}}, 2, webhookId="1"))


def set_the_scene(connection: Connection, state: str, *, retried: bool, active: bool, lapsed: bool) -> Scene:
    """Everything anew: `first` is in that state, `second` is queued, the retry is, too, or runs when `retried`.

    The holder may have lapsed.
    """
    connection.execute(EMPTY)
    workflow_id = a_workflow(connection)
    workflows.save_workflow(connection, workflow_id, name="w", definition=orjson.dumps(document("one")))
    connection.commit()
    if active:
        activate(connection, workflow_id)
    holder, other = a_worker(connection), a_worker(connection)
    original = brought_to(connection, a_new_execution(connection), "error", holder)
    retry = retries.retry(connection, original, load_workflow=False) if retried else 0
    if retried:
        brought_to(connection, retry, "running", holder)
    first = brought_to(connection, a_new_execution(connection), state, holder)
    retry = retry or retries.retry(connection, original, load_workflow=False)
    second = a_new_execution(connection)
    if lapsed:
        connection.execute("UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE id = %s", [holder])
    connection.commit()
    return Scene(workflow_id, first, second, original, retry, holder, other)


def brought_to(connection: Connection, execution_id: int, state: str, worker_id: int) -> int:
    """Let a new execution, the only one that is queued, come to a state."""
    if state == "new":
        return execution_id
    lifecycle.claim(connection, worker_id, 1)
    if state == "canceled":
        lifecycle.stop(connection, execution_id)
    elif state == "crashed":
        crash = "UPDATE executions SET status = 'crashed', stopped_at = now() WHERE id = %s"
        connection.execute(crash, [execution_id])
    elif state != "running":
        lifecycle.finish(connection, worker_id, [result(execution_id, state)])
    connection.commit()
    return execution_id


def result(execution_id: int, status: str, mode: str = "manual") -> Result:
    """A result of that status; one that waits is due at once, or waits for a call."""
    call = status == "waiting for a call"
    return Result(
        execution_id,
        "waiting" if call else status,
        mode,
        DATA,
        error_message="it failed" if status == "error" else None,
        wait_till=PAST if status == "waiting" else datetime.now(UTC) + timedelta(days=1) if call else None,
        resume_on="webhook" if call else None,
    )


def register(connection: Connection, workflow_id: str, definition: bytes) -> None:
    """Let the workflow be called at its webhook."""
    webhooks = [
        NewWebhook(w.node, w.method, w.path, w.webhook_id, w.pattern, orjson.dumps(w.settings))
        for w in webhooks_of(orjson.loads(definition))
    ]
    triggers.register(connection, workflow_id, webhooks, [])


def activate(connection: Connection, workflow_id: str) -> None:
    """As the endpoint does it: first the lock, then what is current is registered."""
    workflows.set_active(connection, workflow_id, True)
    current = workflows.get_workflow(connection, workflow_id)
    register(connection, workflow_id, current.definition)


def deactivate(connection: Connection, workflow_id: str) -> None:
    workflows.set_active(connection, workflow_id, False)
    triggers.register(connection, workflow_id, [], [])


def save(connection: Connection, workflow_id: str, path: str) -> None:
    """As the endpoint does it."""
    workflows.save_workflow(connection, workflow_id, name="w", definition=orjson.dumps(document(path)))
    saved = workflows.get_workflow(connection, workflow_id)
    if saved.active:
        register(connection, workflow_id, saved.definition)


def annotate(connection: Connection, execution_id: int) -> None:
    annotations.lock_execution(connection, execution_id)
    annotations.set_vote(connection, execution_id, "up")
    annotations.set_tags(connection, execution_id, ["tag"])


def exchange(connection: Connection, scene: Scene) -> set[int]:
    """What a worker does in one transaction."""
    recorded = lifecycle.finish(
        connection, scene.holder, [result(scene.first, "success"), result(scene.retry, "success", "retry")]
    )
    lifecycle.claim(connection, scene.holder, 10)
    return recorded


Act = Callable[[Connection, Scene], Any]

OPERATIONS: dict[str, Act] = {
    "claim one": lambda c, s: lifecycle.claim(c, s.holder, 1),
    "claim all": lambda c, s: lifecycle.claim(c, s.other, 10),
    "finish as success": lambda c, s: lifecycle.finish(c, s.holder, [result(s.first, "success")]),
    "finish as error": lambda c, s: lifecycle.finish(c, s.holder, [result(s.first, "error")]),
    "finish as waiting": lambda c, s: lifecycle.finish(c, s.holder, [result(s.first, "waiting")]),
    "finish as canceled": lambda c, s: lifecycle.finish(c, s.holder, [result(s.first, "canceled")]),
    "finish two": lambda c, s: lifecycle.finish(
        c, s.holder, [result(s.first, "success"), result(s.retry, "success", "retry")]
    ),
    "finish the retry": lambda c, s: lifecycle.finish(c, s.holder, [result(s.retry, "success", "retry")]),
    "finish two and claim": lambda c, s: exchange(c, s),
    "stop": lambda c, s: lifecycle.stop(c, s.first),
    "stop the retry": lambda c, s: lifecycle.stop(c, s.retry),
    "stop all": lambda c, s: lifecycle.stop_many(c, ExecutionFilter()),
    "retry": lambda c, s: retries.retry(c, s.first, load_workflow=False),
    "retry with the current workflow": lambda c, s: retries.retry(c, s.first, load_workflow=True),
    "retry many": lambda c, s: retries.retry_many(c, [s.retry, s.first, s.original], load_workflow=False),
    "delete": lambda c, s: deletions.delete_execution(c, s.first),
    "delete many": lambda c, s: deletions.delete_executions(
        c, ExecutionFilter(ids=(s.second, s.retry, s.first, s.original))
    ),
    "prune": lambda c, s: pruning.prune(c, after=0, age_seconds=0.0).deleted,
    "reap": lambda c, s: lifecycle.reap(c, lease_seconds=LEASE),
    "beat": lambda c, s: workers.heartbeat(c, s.holder),
    "resume": lambda c, s: lifecycle.resume_by_webhook(c, s.first, b"[]"),
    "annotate": lambda c, s: annotate(c, s.first),
    "activate": lambda c, s: activate(c, s.workflow_id),
    "deactivate": lambda c, s: deactivate(c, s.workflow_id),
    "save": lambda c, s: save(c, s.workflow_id, "two"),
    "save otherwise": lambda c, s: save(c, s.workflow_id, "three"),
    "delete the workflow": lambda c, s: workflows.delete_workflow(c, s.workflow_id),
}


def install(connection: Connection) -> None:
    """Let every step of an execution be written down."""
    audit.install(connection)
    connection.commit()
