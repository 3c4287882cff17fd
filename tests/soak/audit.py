"""Triggers of the soak's own that write down every step of every execution, and what they have written."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from app import vocabulary
from app.repository.connection import Connection

ENDED = frozenset(vocabulary.ENDED)
LEGAL = {
    (None, "new"),
    (None, "running"),  # a sub-workflow, which its parent's worker runs itself
    ("new", "running"),
    ("waiting", "running"),
    *(("running", status) for status in ("success", "error", "waiting", "canceled", "crashed")),
    ("new", "canceled"),
    ("waiting", "canceled"),
    *((status, None) for status in (*sorted(ENDED), "new", "waiting")),
}

INSTALL = """
    CREATE TABLE soak_steps (
        number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        execution_id  bigint NOT NULL,
        old_status    text,
        new_status    text,
        old_worker    bigint,
        new_worker    bigint,
        retry_of      bigint,
        mode          text NOT NULL,
        workflow_id   text NOT NULL
    );
    CREATE TABLE soak_inputs (execution_id bigint NOT NULL, items text);

    -- The row is locked while this runs, so that the numbers of one execution are in the order of its steps.
    CREATE FUNCTION soak_note_step() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE at record := coalesce(NEW, OLD);
    BEGIN
        INSERT INTO soak_steps (execution_id, old_status, new_status, old_worker, new_worker, retry_of, mode,
                                workflow_id)
        VALUES (at.id, OLD.status, NEW.status, OLD.worker_id, NEW.worker_id, at.retry_of, at.mode, at.workflow_id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER soak_note_creation AFTER INSERT OR DELETE ON executions
        FOR EACH ROW EXECUTE FUNCTION soak_note_step();
    CREATE TRIGGER soak_note_change AFTER UPDATE ON executions
        FOR EACH ROW WHEN (OLD.status <> NEW.status OR OLD.worker_id IS DISTINCT FROM NEW.worker_id)
        EXECUTE FUNCTION soak_note_step();

    CREATE FUNCTION soak_note_input() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO soak_inputs (execution_id, items) VALUES (NEW.execution_id, NEW.items::text);
        RETURN NULL;
    END $$;
    CREATE TRIGGER soak_note_input AFTER INSERT ON execution_inputs
        FOR EACH ROW EXECUTE FUNCTION soak_note_input();
"""

STEPS = """
    SELECT s.execution_id, s.old_status, s.new_status, s.old_worker, s.new_worker, s.retry_of, s.mode, s.workflow_id
      FROM soak_steps AS s
     ORDER BY s.number
"""

INPUTS = "SELECT i.execution_id, i.items FROM soak_inputs AS i WHERE i.items IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Step:
    """`old` None: it was made; `new` None: it was deleted."""

    execution_id: int
    old: str | None
    new: str | None
    old_worker: int | None
    new_worker: int | None
    retry_of: int | None
    mode: str
    workflow_id: str


def install(connection: Connection) -> None:
    """Begin to write down."""
    connection.execute(INSTALL)


def all_steps(connection: Connection) -> list[Step]:
    """Every step, in an order that is right for each execution."""
    return [Step(*row) for row in connection.execute(STEPS)]


def by_execution(steps: list[Step]) -> dict[int, list[Step]]:
    """The steps of each execution."""
    found: dict[int, list[Step]] = defaultdict(list)
    for step in steps:
        found[step.execution_id].append(step)
    return found


def illegal(steps: list[Step]) -> Iterator[str]:
    """What one execution did that the state machine does not know; a change of its owner while it ran, for one."""
    before: str | None = None
    for step in steps:
        if step.old != before or (step.old, step.new) not in LEGAL:
            yield f"it went from {step.old} to {step.new}, and before it was {before}"
        if step.old == "running" and step.new is not None and step.old_worker != step.new_worker:
            yield f"it went from worker {step.old_worker} to {step.new_worker} while it ran"
        before = step.new


def inputs(connection: Connection) -> list[tuple[int, str]]:
    """Execution and input (JSON) of whatever was started with one, deleted executions too."""
    return connection.execute(INPUTS).fetchall()
