"""Locks the rows of a project while they are counted, before one more is added."""

from app.repository.connection import Connection

LOCK = """
    SELECT pg_advisory_xact_lock(hashtextextended(%(rows)s, hashtext(coalesce(%(project_id)s::text, ''))))
"""


def lock_project(connection: Connection, rows: str, project_id: str | None) -> None:
    """Have others who count rows of this name and project wait until the transaction ends. None: of no project."""
    connection.execute(LOCK, {"rows": rows, "project_id": project_id})
