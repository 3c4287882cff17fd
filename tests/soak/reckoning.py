"""The reckoning: what clients were told against what the database holds and what the far side saw.

Each check yields one sentence for each thing that is wrong, with the execution's id.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import orjson

from app.repository import counters, execution_data
from app.repository.connection import Connection
from tests.soak import audit
from tests.soak.audit import ENDED, Step
from tests.soak.far_side import FarSide
from tests.soak.ledger import Ledger

IN_FLIGHT = frozenset(("new", "running", "waiting"))
NODES = {
    "quick": ("First", "Last"),
    "slow": ("First", "Slow", "Last"),
    "failing": ("First", "Fragile", "Last"),
    "pausing": ("First", "Last"),
    "called": ("First",),
    "hook": ("First", "Last"),
    "child": ("First", "Last"),
    "parent": ("First", "Last"),
}

ROWS = """
    SELECT e.id, e.status, e.retry_of, e.retry_success_id, e.vote,
           ARRAY(SELECT et.tag_id FROM execution_tags AS et WHERE et.execution_id = e.id),
           EXISTS (SELECT FROM execution_data AS d WHERE d.execution_id = e.id)
      FROM executions AS e
"""


@dataclass(frozen=True, slots=True)
class Row:
    """An execution as the database has it in the end."""

    id: int
    status: str
    retry_of: int | None
    retry_success_id: int | None
    vote: str | None
    tags: list[str]
    has_data: bool


class Reckoning:
    """`ids` are the workflows' ids by name."""

    def __init__(self, connection: Connection, ledger: Ledger, far_side: FarSide, ids: dict[str, str]) -> None:
        self._connection = connection
        self.ledger = ledger
        self.far_side = far_side
        self.names = {workflow_id: name for name, workflow_id in ids.items()}
        self.rows = {row[0]: Row(*row) for row in connection.execute(ROWS)}
        self.steps = audit.all_steps(connection)
        self.by_execution = audit.by_execution(self.steps)
        self.inputs = audit.inputs(connection)

    def violations(self) -> list[str]:
        """Everything that is wrong."""
        checks = (
            self.acknowledged_exist,
            self.nothing_is_stuck,
            self.steps_are_legal,
            self.one_run_for_one_token,
            self.nothing_ran_twice,
            self.everything_ran,
            self.ends_stay,
            self.stops_are_counted,
            self.deleted_are_gone,
            self.hook_answers_are_stored,
            self.retries_one_at_a_time,
            self.retry_chains_end_alike,
            self.waits_end_once,
            self.annotations_stay,
            self.counters_are_exact,
        )
        return [*self.ledger.problems, *(sentence for check in checks for sentence in check())]

    @cached_property
    def roots(self) -> dict[str, list[int]]:
        """Executions by the token that a client started them with."""
        found: dict[str, list[int]] = defaultdict(list)
        for execution_id, items in self.inputs:
            first = self.by_execution[execution_id][0]
            if first.mode not in ("manual", "webhook"):
                continue
            json = orjson.loads(items)[0]["json"]
            found[json["token"] if first.mode == "manual" else json["query"]["token"]].append(execution_id)
        return found

    def deletion_was_asked(self, execution_id: int) -> bool:
        return self.ledger.deletions_in_doubt[execution_id] > 0

    def acknowledged_exist(self) -> Iterator[str]:
        for execution_id in [*self.ledger.started, *self.ledger.retried]:
            if execution_id not in self.by_execution:
                yield f"{execution_id} was acknowledged and never existed"
            elif execution_id not in self.rows and not self.deletion_was_asked(execution_id):
                yield f"{execution_id} was acknowledged and is gone, and nobody deleted it"

    def nothing_is_stuck(self) -> Iterator[str]:
        for row in self.rows.values():
            if row.status in IN_FLIGHT:
                yield f"{row.id} is {row.status} after everything has calmed down"
            if row.status in ("success", "error") and not row.has_data:
                yield f"{row.id} is {row.status} and has no data"

    def steps_are_legal(self) -> Iterator[str]:
        """Also: never two owners, since a running execution never changes its worker."""
        for execution_id, steps in self.by_execution.items():
            yield from (f"{execution_id}: {sentence}" for sentence in audit.illegal(steps))

    def one_run_for_one_token(self) -> Iterator[str]:
        for token, ids in self.roots.items():
            if len(ids) > 1:
                yield f"{ids} were started by one call"
            if token not in self.ledger.tokens:
                yield f"{ids} were started by nobody"
        for execution_id, token in self.ledger.started.items():
            if self.roots.get(token) != [execution_id]:
                yield f"{execution_id} was acknowledged for the call that started {self.roots.get(token)}"

    def hand_overs(self, steps: list[Step]) -> int:
        """How often a run was passed on or went on after a wait."""
        return max(0, sum(step.new == "running" for step in steps) - 1)

    def nothing_ran_twice(self) -> Iterator[str]:
        """A node is called once; once more for each time that the run was handed to another worker."""
        for (execution_id, node), calls in self.far_side.calls.items():
            steps = self.by_execution.get(execution_id)
            if steps is None:
                yield f"node {node} was run by {execution_id}, which never existed"
            elif calls > 1 + self.hand_overs(steps):
                yield f"node {node} of {execution_id} ran {calls} times with {self.hand_overs(steps)} hand-overs"
        total: Counter[int] = Counter()
        for (execution_id, _), calls in self.far_side.calls.items():
            total[execution_id] += calls
        for execution_id, calls in total.items():
            steps = self.by_execution.get(execution_id, [])
            if steps and calls > len(NODES[self.names[steps[0].workflow_id]]) + self.hand_overs(steps):
                yield f"{execution_id} ran {calls} nodes with {self.hand_overs(steps)} hand-overs"

    def everything_ran(self) -> Iterator[str]:
        """A success has run each of its nodes; a retry those that its original did not."""
        for row in self.rows.values():
            if row.status != "success":
                continue
            chain, current = {row.id}, row.retry_of
            while current is not None:
                chain.add(current)
                current = self.by_execution[current][0].retry_of if current in self.by_execution else None
            for node in NODES[self.names[self.by_execution[row.id][0].workflow_id]]:
                if not any(self.far_side.calls[execution_id, node] for execution_id in chain):
                    yield f"{row.id} succeeded and never ran {node}"

    def ends_stay(self) -> Iterator[str]:
        for execution_id, status in self.ledger.ended:
            final = [step.new for step in self.by_execution.get(execution_id, []) if step.new in ENDED]
            if final != [status]:
                yield f"{execution_id} was said to be {status}; it has ended as {final}"

    def stops_are_counted(self) -> Iterator[str]:
        canceled = sum(step.new == "canceled" for step in self.steps)
        told = len(self.ledger.stopped) + self.ledger.stopped_many
        for execution_id in self.ledger.stopped:
            if not any(step.new == "canceled" for step in self.by_execution.get(execution_id, [])):
                yield f"{execution_id} was said to be stopped and never was canceled"
        children = sum(step.new == "canceled" and step.mode == "integrated" for step in self.steps)
        if not told <= canceled <= told + children + self.ledger.stops_in_doubt:
            yield f"clients were told of {told} stops, and {canceled} executions were canceled"

    def deleted_are_gone(self) -> Iterator[str]:
        for execution_id in self.ledger.deleted:
            if execution_id in self.rows:
                yield f"{execution_id} was said to be deleted and is there"
        for step in self.steps:
            if step.new is None and not self.deletion_was_asked(step.execution_id):
                yield f"{step.execution_id} was deleted, and nobody asked for it"

    def hook_answers_are_stored(self) -> Iterator[str]:
        for token, (status, body) in self.ledger.hook_answers.items():
            ids = self.roots.get(token, [])
            if status in (200, 504) and len(ids) != 1:
                yield f"a webhook was answered with {status} and started {ids}"
            if not ids or ids[0] not in self.rows:
                continue
            row = self.rows[ids[0]]
            if status == 200:
                if row.status != "success" or body != self.last_output(row.id):
                    yield f"{row.id} is {row.status}, and its webhook was answered with {body}"
                if body != {"token": token, "execution": str(row.id), "node": "Last"}:
                    yield f"{row.id} answered its webhook with {body}"
            elif status == 500 and row.status == "success":
                yield f"{row.id} succeeded, and its webhook was answered with {body}"
            elif status not in (500, 504):
                yield f"a webhook was answered with {status} {body}"

    def last_output(self, execution_id: int) -> object:
        """What the last node of a stored run put out."""
        data = orjson.loads(execution_data.read_data(self._connection, [execution_id])[execution_id])["resultData"]
        return data["runData"][data["lastNodeExecuted"]][-1]["data"]["main"][0][0]["json"]

    def retries_one_at_a_time(self) -> Iterator[str]:
        in_flight: dict[int, int] = {}
        for step in self.steps:
            if step.retry_of is None:
                continue
            if step.old is None:
                if step.retry_of in in_flight:
                    yield f"{step.execution_id} and {in_flight[step.retry_of]} retried {step.retry_of} at once"
                in_flight[step.retry_of] = step.execution_id
            elif in_flight.get(step.retry_of) == step.execution_id and step.new not in IN_FLIGHT:
                del in_flight[step.retry_of]
        for retry, original in self.ledger.retried.items():
            if retry in self.by_execution and self.by_execution[retry][0].retry_of != original:
                yield f"{retry} was acknowledged as the retry of {original}"

    def retry_chains_end_alike(self) -> Iterator[str]:
        """Each success of a retry is known to all that it descends from, and nothing else is.

        One that was deleted before is the end of what can be known.
        """
        succeeded: dict[int, set[int]] = defaultdict(set)
        gone: set[int] = set()
        for step in self.steps:
            if step.new is None:
                gone.add(step.execution_id)
            elif step.new == "success":
                current = step.retry_of
                while current is not None and current not in gone:
                    succeeded[current].add(step.execution_id)
                    current = self.by_execution[current][0].retry_of
        for row in self.rows.values():
            if row.retry_success_id not in (succeeded[row.id] or {None}):
                yield f"{row.id} names {row.retry_success_id} as its success; {succeeded[row.id]} were"

    def waits_end_once(self) -> Iterator[str]:
        for execution_id, times in self.ledger.resumed.items():
            if times > 1:
                yield f"the wait of {execution_id} was ended {times} times"
            steps = self.by_execution.get(execution_id, [])
            if not any(step.old == "waiting" and step.new in ("running", "canceled", None) for step in steps):
                yield f"{execution_id} was said to go on and did not"

    def annotations_stay(self) -> Iterator[str]:
        for execution_id, (vote, tag) in self.ledger.votes.items():
            row = self.rows.get(execution_id)
            if row is not None and vote and (row.vote, row.tags) != (vote, [tag]):
                yield f"{execution_id} was annotated {vote}, {tag} and has {row.vote}, {row.tags}"

    def counters_are_exact(self) -> Iterator[str]:
        happened = Counter((step.new, step.mode) for step in self.steps if step.new in ENDED)
        counted: Counter[tuple[str | None, str]] = Counter()
        for total in counters.totals(self._connection):
            if total.name == counters.ENDED:
                counted[total.labels["status"], total.labels["mode"]] += round(total.value)
        if happened != counted:
            yield f"ends that happened: {sorted(happened.items())}; that were counted: {sorted(counted.items())}"

    def ends(self, status: str) -> int:
        """How many executions ended like this."""
        return sum(step.new == status for step in self.steps)

    def handed_over(self) -> int:
        """How many runs another worker, or the same one after a wait, went on with."""
        return sum(self.hand_overs(steps) for steps in self.by_execution.values())

    def total(self, name: str) -> int:
        """A counter's total."""
        return round(sum(total.value for total in counters.totals(self._connection) if total.name == name))
