"""What is asked for over the API about node packages: one wish a package, carried out by a worker.

A wish that a worker has taken is another's when that one is alive no more, but only so often: what ends each worker
that tries it must not end them all.
"""

from dataclasses import dataclass

from psycopg.rows import args_row

from app.repository import notifications
from app.repository.connection import Connection, scalar
from app.repository.errors import NodePackageBusy

MAX_ATTEMPTS = 3
GIVEN_UP = "Each worker that installed it ended while it did. Their logs say why"

# One that failed gives way to a new one.
ASK = """
    INSERT INTO node_package_wishes AS p (name, version, accepts_licence)
    VALUES (%(name)s, %(version)s, %(accepts_licence)s)
    ON CONFLICT (name) DO UPDATE
       SET version = excluded.version, accepts_licence = excluded.accepts_licence, asked_at = excluded.asked_at,
           worker_id = NULL, attempts = 0, error = NULL
     WHERE p.error IS NOT NULL
    RETURNING true
"""

# Not by NOT EXISTS: PostgreSQL would not look at the worker again where another took the row after this began.
TAKE = """
    UPDATE node_package_wishes AS p
       SET worker_id = %(worker_id)s, attempts = p.attempts + 1
     WHERE p.name = (SELECT o.name
                       FROM node_package_wishes AS o
                      WHERE o.error IS NULL AND o.attempts < %(most)s
                        AND (SELECT w.id FROM workers AS w
                              WHERE w.id = o.worker_id AND w.id <> %(worker_id)s AND w.stopped_at IS NULL) IS NULL
                      ORDER BY o.asked_at
                      LIMIT 1
                        FOR UPDATE SKIP LOCKED)
    RETURNING p.name, p.version, p.accepts_licence
"""

GIVE_UP = """
    UPDATE node_package_wishes AS p
       SET error = %(error)s
     WHERE p.error IS NULL AND p.attempts >= %(most)s
       AND NOT EXISTS (SELECT FROM workers AS w WHERE w.id = p.worker_id AND w.stopped_at IS NULL)
"""

FAIL = """
    UPDATE node_package_wishes AS p
       SET error = %(error)s
     WHERE p.name = %(name)s AND p.worker_id = %(worker_id)s
"""

FULFIL = """
    DELETE FROM node_package_wishes AS p
     WHERE p.name = %(name)s
"""

OUTCOME = """
    SELECT p.error
      FROM node_package_wishes AS p
     WHERE p.name = %(name)s
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """A package that is to be installed, or to have another version: an exact one, or what npm calls one (`latest`)."""

    name: str
    version: str
    accepts_licence: bool


@dataclass(frozen=True, slots=True)
class WishOutcome:
    """What became of a wish: `pending`, or why it cannot be done; neither when it is done."""

    pending: bool
    error: str | None


def ask(connection: Connection, wish: Wish) -> None:
    """Let a worker carry it out. Raises NodePackageBusy where the package has another wish under way."""
    values = {"name": wish.name, "version": wish.version, "accepts_licence": wish.accepts_licence}
    if not scalar(connection, ASK, values):
        raise NodePackageBusy(f"The package {wish.name} is being installed already")
    notifications.announce_packages(connection)


def take(connection: Connection, worker_id: int) -> Wish | None:
    """The oldest wish that nobody carries out, which is now this worker's."""
    connection.execute(GIVE_UP, {"most": MAX_ATTEMPTS, "error": GIVEN_UP})
    with connection.cursor(row_factory=args_row(Wish)) as cursor:
        return cursor.execute(TAKE, {"worker_id": worker_id, "most": MAX_ATTEMPTS}).fetchone()


def fail(connection: Connection, worker_id: int, name: str, error: str) -> None:
    """Say why this worker cannot do what was asked."""
    connection.execute(FAIL, {"name": name, "worker_id": worker_id, "error": error})


def fulfil(connection: Connection, name: str) -> None:
    """The package is as it was wished, or not wished any more."""
    connection.execute(FULFIL, {"name": name})


def read_outcome(connection: Connection, name: str) -> WishOutcome:
    """What became of the wish about this package."""
    row = connection.execute(OUTCOME, {"name": name}).fetchone()
    return WishOutcome(pending=row is not None and row[0] is None, error=None if row is None else row[0])
