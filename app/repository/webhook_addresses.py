"""Which project an address of a webhook belongs to: none can take what another project's webhooks answer.

An address is a path, behind the webhook id where it has parameters. All that lies behind such an id belongs to the
project that has it, also what its webhooks do not answer today: a caller who errs in the path or in the method meets
no stranger. Plain paths are kept apart one by one. Within a project addresses may overlap; the most literal one is
called, and only the very same method and address is refused.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from app.repository.connection import Connection
from app.repository.errors import AlreadyExists

# Addresses of which one may keep out the other share their first segment, and so this lock, until one of two
# transactions has ended. In one order, so that two of them never wait for each other; 64 for all, so that thousands of
# webhooks need no more.
LOCK = """
    SELECT pg_advisory_xact_lock(hashtext('webhook addresses'), keys.bucket)
      FROM (SELECT DISTINCT hashtext(s.segment) & 63 AS bucket
              FROM unnest(%(segments)s::text[]) AS s (segment)
             ORDER BY bucket) AS keys
"""

# Uses webhooks_by_pattern, webhooks_by_webhook_id and webhooks_by_first_segment, one for each way to meet: plain and
# plain, anything and parameters, parameters and plain.
TAKEN = """
    WITH wanted AS (
        SELECT n.place, n.method, n.path, n.webhook_id, n.pattern,
               split_part(coalesce(n.webhook_id, n.pattern), '/', 1) AS entrance
          FROM unnest(%(methods)s::text[], %(paths)s::text[], %(webhook_ids)s::text[], %(patterns)s::text[])
               WITH ORDINALITY AS n (method, path, webhook_id, pattern, place))
    SELECT n.method, n.path, w.id, w.project_id, v.name
      FROM wanted AS n
     CROSS JOIN LATERAL (
           SELECT h.workflow_id, h.method, h.webhook_id, h.pattern
             FROM webhooks AS h
            WHERE n.webhook_id IS NULL AND h.webhook_id IS NULL AND h.pattern = n.pattern
           UNION ALL
           SELECT h.workflow_id, h.method, h.webhook_id, h.pattern
             FROM webhooks AS h
            WHERE h.webhook_id = n.entrance
           UNION ALL
           SELECT h.workflow_id, h.method, h.webhook_id, h.pattern
             FROM webhooks AS h
            WHERE n.webhook_id IS NOT NULL AND h.webhook_id IS NULL AND split_part(h.pattern, '/', 1) = n.entrance
           ) AS h
      JOIN workflows AS w ON w.id = h.workflow_id
      JOIN workflow_versions AS v ON v.id = w.version_id
     WHERE w.id <> %(workflow_id)s
       AND (w.project_id <> (SELECT own.project_id FROM workflows AS own WHERE own.id = %(workflow_id)s)
            OR (h.method = n.method AND h.pattern = n.pattern AND h.webhook_id IS NOT DISTINCT FROM n.webhook_id))
     ORDER BY n.place
     LIMIT 1
"""

# What was active before addresses were kept apart: webhooks with parameters against all, plain ones of the same path.
SHARED = """
    SELECT DISTINCT concat_ws('/', a.webhook_id, a.path), wa.id, wb.id
      FROM webhooks AS a
      JOIN webhooks AS b
        ON (a.webhook_id IS NOT NULL AND b.webhook_id = a.webhook_id)
        OR (a.webhook_id IS NOT NULL AND b.webhook_id IS NULL AND split_part(b.pattern, '/', 1) = a.webhook_id)
        OR (a.webhook_id IS NULL AND b.webhook_id IS NULL AND b.pattern = a.pattern)
      JOIN workflows AS wa ON wa.id = a.workflow_id
      JOIN workflows AS wb ON wb.id = b.workflow_id AND wb.project_id <> wa.project_id
     LIMIT %(limit)s
"""


class Address(Protocol):
    """What is called: `pattern` is the path with each parameter as `:`, `webhook_id` stands before it."""

    @property
    def method(self) -> str:
        """The HTTP method, in upper case."""

    @property
    def path(self) -> str:
        """The path as the workflow names it, with the names of its parameters."""

    @property
    def webhook_id(self) -> str | None:
        """What stands before a path with parameters; None where the path has none."""

    @property
    def pattern(self) -> str:
        """The path with each parameter as `:`."""


def claim(connection: Connection, workflow_id: str, addresses: Sequence[Address], visible: str | None) -> None:
    """Make sure that these addresses are the workflow's own until the transaction ends. Raises AlreadyExists.

    `visible` is the project that the caller may see, None for all: a workflow of another one is not named.
    """
    refuse_twice(addresses)
    if not addresses:
        return
    segments = sorted({(address.webhook_id or address.pattern).partition("/")[0] for address in addresses})
    connection.execute(LOCK, {"segments": segments})
    wanted = {
        "workflow_id": workflow_id,
        "methods": [address.method for address in addresses],
        "paths": [address.path for address in addresses],
        "webhook_ids": [address.webhook_id for address in addresses],
        "patterns": [address.pattern for address in addresses],
    }
    taken = connection.execute(TAKEN, wanted).fetchone()
    if taken is not None:
        raise refusal(taken, visible)


def refuse_twice(addresses: Sequence[Address]) -> None:
    """Raise AlreadyExists when two of a workflow's own webhooks have the same method and address."""
    seen: set[tuple[str, str, str | None]] = set()
    for address in addresses:
        key = (address.method, address.pattern, address.webhook_id)
        if key in seen:
            shown = f"{address.method} {address.path}"
            raise AlreadyExists(f"Two webhooks of this workflow have the same address {shown}")
        seen.add(key)


def refusal(taken: tuple[Any, ...], visible: str | None) -> AlreadyExists:
    """The refusal of an address, naming whose it is to those who may know."""
    method, path, workflow_id, project_id, name = taken
    if visible in (None, project_id):
        return AlreadyExists(
            f"The webhook {method} {path} belongs to the active workflow '{name}' ({workflow_id}) already"
        )
    return AlreadyExists(f"The webhook {method} {path} is taken already")


def shared_addresses(connection: Connection, *, limit: int) -> list[tuple[str, str, str]]:
    """Addresses that lie behind a webhook id of two projects or are a path of both, each with both workflows' ids."""
    return [(row[0], row[1], row[2]) for row in connection.execute(SHARED, {"limit": limit})]
