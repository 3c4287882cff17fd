"""The switch from n8n to this program: what waited goes on here, and every address of the old one is answered here."""

from collections.abc import Iterator, Sequence

from app.importing.n8n.source import Source
from app.repository import import_progress, imported_waits, imports, triggers
from app.repository.connection import Connection


def remember_active(connection: Connection, source: Source, workflow_ids: Sequence[str]) -> None:
    """Note what is active there: at the switch it will have been deactivated.

    Where nothing is active any more, the switch has begun there: what was noted before stays.
    """
    with connection.transaction():
        if workflow_ids or not import_progress.active_before(connection, source.name):
            import_progress.save_active(connection, source.name, workflow_ids)


def to_activate(connection: Connection, source: Source, active_now: Sequence[str]) -> list[str]:
    """What is active there now, and what was when it was last remembered."""
    with connection.transaction():
        return list(dict.fromkeys((*active_now, *import_progress.active_before(connection, source.name))))


def release_waits(connection: Connection) -> int:
    """Let the executions that came in waiting go on here; returns their number."""
    with connection.transaction():
        imports.start_own_ids(connection)
        return imported_waits.release_waits(connection)


def unanswered(connection: Connection, source: Source) -> Iterator[str]:
    """The webhooks of n8n that nothing answers here, as `POST path (node)`."""
    with connection.transaction():
        here = triggers.addresses(connection)
    for row in source.rows("webhook_entity"):
        method, path = str(row["method"]), str(row["webhookPath"]).strip("/")
        dynamic = row.get("webhookId") if ":" in path else None
        if (method, path, dynamic) not in here:
            yield f"{method} {path} (workflow {row['workflowId']}, node {row['node']})"
