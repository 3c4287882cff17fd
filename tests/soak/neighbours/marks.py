"""When things happened to Beta's executions, by PostgreSQL's clock."""

import threading
from dataclasses import dataclass
from datetime import datetime

from app.repository.connection import Connection

INSTALL = """
    CREATE TABLE soak_asked (execution_id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE TABLE soak_held (execution_id bigint PRIMARY KEY);
    CREATE TABLE soak_recorded (execution_id bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());

    CREATE FUNCTION soak_note_held() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO soak_held (execution_id) VALUES (NEW.id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER soak_note_held AFTER UPDATE ON executions
        FOR EACH ROW WHEN (OLD.status = 'running' AND NEW.status = 'canceled') EXECUTE FUNCTION soak_note_held();

    CREATE FUNCTION soak_note_recorded() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO soak_recorded (execution_id) VALUES (NEW.execution_id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER soak_note_recorded AFTER INSERT OR UPDATE ON execution_data
        FOR EACH ROW EXECUTE FUNCTION soak_note_recorded();
"""

ASKED = "INSERT INTO soak_asked (execution_id) VALUES (%s)"

NOW = "SELECT clock_timestamp()"

# A worker that was told to stop what it runs records how far it came: then it has really let go of it.
LIVES = """
    SELECT e.id, e.workflow_id, e.status, e.created_at, e.started_at, asked.at, e.stopped_at,
           held.execution_id IS NOT NULL,
           (SELECT max(r.at) FROM soak_recorded AS r WHERE r.execution_id = e.id AND r.at > e.stopped_at)
      FROM executions AS e
      LEFT JOIN soak_asked AS asked ON asked.execution_id = e.id
      LEFT JOIN soak_held AS held ON held.execution_id = e.id
     WHERE e.project_id = %s
     ORDER BY e.id
"""


@dataclass(frozen=True, slots=True)
class Life:
    """An execution. `asked`: when its stop was sent, if one was. `held`: a worker ran it when it was stopped, and
    `let_go` when that worker had really ended it; None: it never did."""

    id: int
    workflow_id: str
    status: str
    created: datetime
    started: datetime | None
    asked: datetime | None
    stopped: datetime | None
    held: bool
    let_go: datetime | None


class Marks:
    """Over one connection that commits by itself; may be used by any thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        connection.execute(INSTALL)

    def about_to_stop(self, execution_id: int) -> None:
        """Note that this is to be stopped now."""
        with self._lock:
            self._connection.execute(ASKED, [execution_id])

    def now(self) -> datetime:
        """What PostgreSQL's clock says."""
        with self._lock:
            (moment,) = self._connection.execute(NOW).fetchone() or ()
        assert isinstance(moment, datetime)
        return moment

    def lives(self, project_id: str) -> list[Life]:
        """All executions of a project."""
        with self._lock:
            return [Life(*row) for row in self._connection.execute(LIVES, [project_id])]
