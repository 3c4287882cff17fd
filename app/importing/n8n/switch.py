"""The switch from n8n to this program: waiting executions continue here, and every webhook address is answered here."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from app.importing.n8n.source import Source
from app.repository import import_progress, imported_ids, imported_waits, imported_workflows, triggers
from app.repository.connection import Connection
from app.repository.execution_filters import ExecutionFilter
from app.repository.import_progress import ActiveThere, SeenActive, WebhookThere
from app.repository.lifecycle import stop_many
from app.triggers import InvalidTrigger, forms, mcp
from app.triggers.paths import path_as_called

SWITCH_TAKES = timedelta(hours=1)
"""Who begins the switch deactivates workflow after workflow: what goes within this time before the last one is meant
to go on here."""


def remember_active(connection: Connection, source: Source, active: Mapping[str, UUID | None]) -> None:
    """Note what is active there, each workflow with its version (None: the current one) and its webhooks.

    At the switch all of it will have been deactivated, and n8n knows neither any more.
    """
    webhooks = read_webhooks(source)
    seen = [ActiveThere(each, version_id, webhooks.get(each, ())) for each, version_id in active.items()]
    with connection.transaction():
        import_progress.save_active(connection, source.name, seen)


def to_activate(
    connection: Connection, source: Source, known: Collection[str]
) -> tuple[Sequence[SeenActive], Sequence[SeenActive]]:
    """What is active there, or was when the switch began; and what was deactivated there before that.

    Of the workflows in `known` only: others are there no longer.
    """
    with connection.transaction():
        seen = import_progress.seen_active(connection, source.name)
    if not seen:
        return (), ()
    began = seen[0].seen_at - SWITCH_TAKES
    there = [each for each in seen if each.workflow_id in known]
    return [each for each in there if each.seen_at >= began], [each for each in there if each.seen_at < began]


def find_active(connection: Connection) -> set[str]:
    """The ids of the workflows that are active here."""
    with connection.transaction():
        return imported_workflows.active_workflows(connection)


def known_version(connection: Connection, workflow_id: str, version_id: UUID | None) -> UUID | None:
    """The version, where the workflow has it here; else None, for the current one."""
    if version_id is None:
        return None
    with connection.transaction():
        return next(iter(imported_workflows.known_versions(connection, workflow_id, [version_id])), None)


def cancel_gone(connection: Connection, ids: Sequence[int]) -> int:
    """Cancel executions that came in waiting and were deleted there: nobody wants them to go on. Returns how many."""
    if not ids:
        return 0
    with connection.transaction():
        return len(stop_many(connection, ExecutionFilter(ids=tuple(ids))))


def release_waits(connection: Connection) -> int:
    """Let the executions that came in waiting go on here; returns their number."""
    with connection.transaction():
        imported_ids.start_own_ids(connection)
        return imported_waits.release_waits(connection)


def read_webhooks(source: Source) -> dict[str, list[WebhookThere]]:
    """The webhooks that n8n answers now, by the id of their workflow."""
    webhooks: dict[str, list[WebhookThere]] = {}
    for row in source.rows("webhook_entity"):
        path, webhook_id = _path(str(row["webhookPath"])), row.get("webhookId")
        webhook = (
            str(row["method"]),
            path,
            str(webhook_id) if webhook_id and ":" in path else None,
            str(row.get("node")),
        )
        webhooks.setdefault(str(row["workflowId"]), []).append(webhook)
    return webhooks


def _path(path: str) -> str:
    """The path as it is kept here; as n8n has it where none is kept here."""
    try:
        return path_as_called("", path)
    except InvalidTrigger:
        return path.strip("/")


def find_unanswered(connection: Connection, source: Source, active: Sequence[ActiveThere]) -> Iterator[str]:
    """What of the webhooks of these and of those that n8n answers now nothing answers here, each as
    `POST path (workflow, node)`."""
    with connection.transaction():
        here = triggers.addresses(connection)
    for workflow_id, webhooks in ({each.workflow_id: each.webhooks for each in active} | read_webhooks(source)).items():
        for method, path, webhook_id, node in webhooks:
            kinds = ((method, path, webhook_id), (forms.METHOD, path, None), (mcp.METHOD, path, None))
            if not here.intersection(kinds):
                yield f"{method} {path} (workflow {workflow_id}, node {node})"
