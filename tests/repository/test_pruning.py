"""What pruning deletes, what it spares, and that one prunes at a time."""

from uuid import uuid4

import pytest

from app.repository import annotations, pruning
from tests.repository.given import a_new_execution, a_worker, a_workflow, an_ended_execution

DAY = 86_400.0


@pytest.fixture
def old(connection) -> dict[str, int]:
    """Executions that ended long ago, one of each kind, and one that waits and one that is queued since then."""
    a_workflow(connection)
    worker_id = a_worker(connection)
    ids = {status: an_ended_execution(connection, worker_id, status) for status in ("success", "error", "canceled")}
    ids["voted"] = an_ended_execution(connection, worker_id)
    annotations.set_vote(connection, ids["voted"], "up")
    ids["tagged"] = an_ended_execution(connection, worker_id)
    annotations.set_tags(connection, ids["tagged"], ["keep"])
    ids["queued"] = a_new_execution(connection)
    connection.execute("UPDATE executions SET created_at = created_at - interval '10 days'")
    connection.execute("UPDATE executions SET stopped_at = stopped_at - interval '10 days' WHERE stopped_at < now()")
    ids["recent"] = a_new_execution(connection)
    connection.commit()
    return ids


def left(connection) -> set[int]:
    return {row[0] for row in connection.execute("SELECT id FROM executions")}


def test_by_age_it_spares_what_is_annotated_in_flight_or_recent(connection, old) -> None:
    step = pruning.prune(connection, after=0, age_seconds=DAY)
    assert step.deleted == 3
    assert left(connection) == {old[name] for name in ("voted", "tagged", "queued", "recent")}
    data = connection.execute("SELECT count(*) FROM execution_data").fetchone()[0]
    assert data == 2, "the data goes with its execution"


def test_what_has_nothing_but_a_note_stays(connection, old) -> None:
    annotations.set_note(connection, old["success"], "asked for by the auditor")
    connection.commit()
    assert pruning.prune(connection, after=0, age_seconds=DAY).deleted == 2
    assert pruning.prune_workflow(connection, "w1", before=old["recent"]).deleted == 0
    assert old["success"] in left(connection)


def test_by_number_it_keeps_the_newest(connection, old) -> None:
    up_to = pruning.newest_to_prune(connection, 5)
    assert up_to == old["error"]
    pruning.prune(connection, after=0, age_seconds=None, up_to=up_to)
    assert left(connection) == {old[name] for name in old} - {old["success"], old["error"]}
    assert pruning.newest_to_prune(connection, 1000) == 0


def test_it_walks_window_by_window_and_stops_at_what_is_not_old(connection, old) -> None:
    first = pruning.prune(connection, after=0, age_seconds=DAY, window=2)
    assert (first.deleted, first.reached) == (2, old["error"])
    second = pruning.prune(connection, after=first.reached, age_seconds=DAY, window=2)
    assert (second.deleted, second.reached) == (1, old["voted"])
    last = pruning.prune(connection, after=old["queued"], age_seconds=DAY, window=2)
    assert (last.deleted, last.reached) == (0, None)


def test_one_prunes_at_a_time(connect, connection) -> None:
    """The turn stays with who has it from step to step, and goes to another when it lapses."""
    one, other = uuid4(), uuid4()
    second = connect()
    assert pruning.take_turn(connection, one)
    assert not pruning.take_turn(second, other), "while the step goes on"
    connection.commit()
    second.commit()
    assert not pruning.take_turn(second, other), "in the pause before the next step"
    second.commit()
    assert pruning.take_turn(connection, one)
    connection.execute("UPDATE pruning_turns SET expires_at = clock_timestamp() - interval '1 second'")
    connection.commit()
    assert pruning.take_turn(second, other)


def test_of_each_workflow_it_keeps_the_newest(connection, old) -> None:
    a_workflow(connection, "quiet")
    quiet = a_new_execution(connection, "quiet")
    assert pruning.workflows_since(connection, None) == pruning.RecentWorkflows(("quiet", "w1"), quiet)
    assert pruning.workflows_since(connection, old["recent"]) == pruning.RecentWorkflows(("quiet",), quiet)
    assert pruning.newest_to_prune_of(connection, "quiet", 1) is None
    last = pruning.newest_to_prune_of(connection, "w1", 2)
    assert last == old["tagged"]
    first = pruning.prune_workflow(connection, "w1", before=last + 1, window=3)
    assert (first.deleted, first.reached) == (1, old["canceled"])
    second = pruning.prune_workflow(connection, "w1", before=first.reached, window=3)
    assert (second.deleted, second.reached) == (2, None)
    assert left(connection) == {old[name] for name in ("voted", "tagged", "queued", "recent")} | {quiet}
