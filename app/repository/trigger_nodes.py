"""A trigger that acts by itself on a worker: its node, in its workflow as it is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, LiteralString
from uuid import UUID

from psycopg import sql

from app.repository.connection import Connection
from app.repository.targets import StartsExecutions

FORGET = sql.SQL("""
    DELETE FROM {table} AS t
     WHERE t.workflow_id = %(workflow_id)s AND t.node <> ALL(%(nodes)s::text[])
""")


@dataclass(frozen=True, slots=True)
class TriggerNode(StartsExecutions):
    """A trigger of a workflow; `definition` is the workflow's JSON."""

    workflow_id: str
    node: str
    project_id: str
    version_id: UUID
    name: str
    definition: bytes


def register(
    connection: Connection,
    table: Literal["polls", "listeners"],
    add: LiteralString,
    workflow_id: str,
    nodes: Sequence[str],
) -> int:
    """Let the table have exactly these nodes of a workflow; `add` puts those in that are not there yet: how many."""
    values = {"workflow_id": workflow_id, "nodes": list(nodes)}
    connection.execute(FORGET.format(table=sql.Identifier(table)), values)
    return connection.execute(add, values).rowcount if nodes else 0
