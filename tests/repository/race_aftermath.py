"""What must hold after any race: of the data model, of each execution's steps, and of what each caller was told."""

from collections import Counter
from collections.abc import Iterator

import orjson

from app.repository import counters
from app.repository.connection import Connection
from app.repository.errors import CannotDelete, CannotRetry, CannotStop, ExecutionNotFound, RepositoryError
from tests.repository.interleaving import Ending
from tests.repository.race_operations import Scene
from tests.soak import audit
from tests.soak.audit import ENDED, Step

ORPHANS = """
    SELECT e.id FROM executions AS e
     WHERE e.status = 'running'
       AND NOT EXISTS (SELECT FROM workers AS w WHERE w.id = e.worker_id AND w.stopped_at IS NULL)
"""
IN_FLIGHT_RETRIES = """
    SELECT e.retry_of, count(*) FROM executions AS e
     WHERE e.retry_of IS NOT NULL AND e.status IN ('new', 'running', 'waiting')
     GROUP BY e.retry_of HAVING count(*) > 1
"""
WITHOUT_DATA = """
    SELECT e.id FROM executions AS e
     WHERE e.status IN ('success', 'error', 'waiting')
       AND NOT EXISTS (SELECT FROM execution_data AS d WHERE d.execution_id = e.id)
"""
UNLINKED = """
    SELECT o.id FROM executions AS o JOIN executions AS r ON r.retry_of = o.id
     WHERE r.status = 'success' AND o.retry_success_id IS DISTINCT FROM r.id
"""
TRIGGERS = """
    SELECT w.active, v.definition, ARRAY(SELECT h.path FROM webhooks AS h WHERE h.workflow_id = w.id)
      FROM workflows AS w JOIN workflow_versions AS v ON v.id = w.version_id
"""
HOOKS_OF_NOTHING = """
    SELECT h.path FROM webhooks AS h WHERE NOT EXISTS (SELECT FROM workflows AS w WHERE w.id = h.workflow_id)
"""
ANNOTATION = """
    SELECT e.vote, ARRAY(SELECT et.tag_id FROM execution_tags AS et WHERE et.execution_id = e.id)
      FROM executions AS e WHERE e.id = %s
"""


class Aftermath:
    """What the database holds after a race, and who was told what."""

    def __init__(self, connection: Connection, scene: Scene, told: dict[str, Ending], before: int) -> None:
        self.connection = connection
        self.scene = scene
        self.told = told
        steps = audit.all_steps(connection)
        self.all_steps = audit.by_execution(steps)
        self.steps = steps[before:]

    def after(self, execution_id: int) -> list[Step]:
        """What happened to an execution during the race."""
        return [step for step in self.steps if step.execution_id == execution_id]

    def gone(self, execution_id: int) -> bool:
        return self.all_steps[execution_id][-1].new is None

    def status(self, execution_id: int) -> str | None:
        return self.all_steps[execution_id][-1].new

    def wrong(self) -> Iterator[str]:
        """A sentence for each thing that should not be."""
        yield from self.wrong_state()
        yield from self.wrong_claims()
        yield from self.wrong_triggers()
        for name, ending in self.told.items():
            if ending.error is not None and not isinstance(ending.error, RepositoryError):
                yield f"{name} failed with {ending.error!r}"
            else:
                yield from self.untrue(name, ending)
        yield from self.miscounted()

    def wrong_state(self) -> Iterator[str]:
        for execution_id, steps in self.all_steps.items():
            yield from (f"{execution_id}: {sentence}" for sentence in audit.illegal(steps))
        for what, query in (
            ("has two retries in flight", IN_FLIGHT_RETRIES),
            ("has no data", WITHOUT_DATA),
            ("does not know of its successful retry", UNLINKED),
            ("is the path of a workflow that is gone", HOOKS_OF_NOTHING),
        ):
            for row in self.connection.execute(query):
                yield f"{row[0]} {what}"

    def wrong_claims(self) -> Iterator[str]:
        """Nobody claims for a worker that was given up.

        What such a worker had before may be locked by somebody, and is left to the next reaper.
        """
        orphans = {row[0] for row in self.connection.execute(ORPHANS)}
        for step in self.steps:
            if step.new == "running" and step.execution_id in orphans:
                yield f"{step.execution_id} was claimed by a worker that was given up"

    def wrong_triggers(self) -> Iterator[str]:
        for active, definition, paths in self.connection.execute(TRIGGERS):
            current = [node["parameters"]["path"] for node in orjson.loads(definition)["nodes"]]
            if paths != (current if active else []):
                yield f"active={active} at {current}, and {paths} are registered"

    def untrue(self, name: str, ending: Ending) -> Iterator[str]:
        """What one caller was told that is not so."""
        scene, answer, error = self.scene, ending.answer, ending.error
        first = self.after(scene.first)
        if name.startswith("claim") and error is None:
            for claimed in answer:
                worker_id = scene.holder if name == "claim one" else scene.other
                if not any(s.new == "running" and s.new_worker == worker_id for s in self.after(claimed.id)):
                    yield f"{name} was given {claimed.id}, which nobody claimed"
        elif "finish" in name and error is None:
            yield from self.untrue_finish(name, answer)
        elif name in ("stop", "stop the retry"):
            target = scene.first if name == "stop" else scene.retry
            if error is None and not any(step.new == "canceled" for step in self.after(target)):
                yield f"{name} was told that {target} is canceled"
            if isinstance(error, CannotStop) and not any(
                str(error).endswith(str(s.new)) for s in self.all_steps[target] if s.new in ENDED
            ):
                yield f"{name} was told: {error}"
            if isinstance(error, ExecutionNotFound) and not self.gone(target):
                yield f"{name} was told that {target} is not there"
        elif name.startswith("retry") and name != "retry many":
            if error is None and self.all_steps[answer][0].retry_of != scene.first:
                yield f"{name} was told of {answer}"
            if isinstance(error, CannotRetry) and not self.forbids_retry(scene.first, str(error)):
                yield f"{name} was told: {error}"
        elif name == "retry many" and error is None:
            for one in answer:
                if one.retry_id is not None and self.all_steps[one.retry_id][0].retry_of != one.id:
                    yield f"{name} was told of {one.retry_id}"
        elif name == "delete":
            if error is None and (not self.gone(scene.first) or first[-1].old != answer.status):
                yield f"delete was told of a {answer.status} execution: {first}"
            if isinstance(error, CannotDelete) and not self.was(scene.first, "running"):
                yield "delete was told that it runs"
        elif name == "delete many":
            many = (scene.second, scene.retry, scene.first, scene.original)
            if error is None and not all(self.gone(i) for i in many):
                yield "delete many was told that all are gone"
            if isinstance(error, CannotDelete) and not any(self.was(i, "running") for i in many):
                yield "delete many was told that one runs"
        elif name == "reap" and error is None:
            crashed = [step.execution_id for step in self.steps if step.new == "crashed"]
            if not set(answer) <= set(crashed):
                yield f"reap was told of {answer}; {crashed} crashed"
        elif name == "resume" and error is None and not self.was(scene.first, "waiting"):
            yield "resume was told that it goes on, and it did not wait"
        elif name == "annotate" and error is None:
            row = self.connection.execute(ANNOTATION, [scene.first]).fetchone()
            if row is not None and row != ("up", ["tag"]):
                yield f"annotate was told of its success, and there is {row}"

    def untrue_finish(self, name: str, recorded: set[int]) -> Iterator[str]:
        status = name.split()[-1]  # or the end of another name, which is none
        for target in (self.scene.first, self.scene.retry):
            ends = [step for step in self.after(target) if step.old == "running" and step.new not in (None, "crashed")]
            if target in recorded and not ends and not self.was(target, "canceled"):
                yield f"{name} was told that {target} is recorded"
            if target in recorded and status in ("success", "error", "waiting") and ends and ends[0].new != status:
                yield f"{name} was told that {target} is recorded; it became {ends[0].new}"

    def was(self, execution_id: int, status: str) -> bool:
        """Whether it had that status at the beginning of the race or during it."""
        during = self.after(execution_id)
        return status in [s.new for s in during] or (during[0].old if during else self.status(execution_id)) == status

    def forbids_retry(self, execution_id: int, message: str) -> bool:
        if "successful" in message:
            return self.was(execution_id, "success")
        if "running or waiting" in message:
            return any(self.was(execution_id, status) for status in ("new", "running", "waiting"))
        if "no longer exists" in message:
            return "delete the workflow" in self.told
        return any(step.old is None and step.retry_of == execution_id for step in self.steps)

    def miscounted(self) -> Iterator[str]:
        deleted = sum(step.new is None for step in self.steps)
        told = sum(
            {"delete": 1, "delete many": e.answer, "prune": e.answer}.get(name, 0)
            for name, e in self.told.items()
            if e.error is None and name in ("delete", "delete many", "prune")
        )
        if deleted != told:
            yield f"{deleted} executions were deleted, and callers were told of {told}"
        canceled = [step.execution_id for step in self.steps if step.new == "canceled"]
        stops = sum(len(e.answer) if name == "stop all" else 1 for name, e in self.told.items() if stopped(name, e))
        by_finish = sum(name == "finish as canceled" for name in self.told)
        if not stops <= len(canceled) <= stops + by_finish:
            yield f"{canceled} were canceled, and callers were told of {stops}"
        happened = Counter(step.new for steps in self.all_steps.values() for step in steps if step.new in ENDED)
        counted: Counter[str | None] = Counter()
        for total in counters.totals(self.connection):
            if total.name == counters.ENDED:
                counted[total.labels["status"]] += round(total.value)
        if happened - Counter(crashed=1) - counted:
            yield f"{happened} have ended, and {counted} were counted"


def stopped(name: str, ending: Ending) -> bool:
    return ending.error is None and name in ("stop", "stop the retry", "stop all")
