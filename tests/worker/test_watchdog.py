"""Nodes that compute without end: they are ended or stopped, and nothing else on their worker notices."""

import asyncio
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from app.engine.run.computing import Interrupted, compute
from app.processes import Child
from app.repository import lifecycle
from app.worker import runs
from app.worker.watchdog import is_interruptible
from tests.patience import PATIENCE_SECONDS
from tests.worker.conftest import LEASE
from tests.workflows import no_op, node, stored, wait

pytestmark = pytest.mark.slow


@pytest.fixture
def start_holder(start_worker) -> Callable[..., Child]:
    return lambda **settings: start_worker(command=[sys.executable, "-m", "tests.worker.hold"], **settings)


def hold(how: str) -> bytes:
    return stored(no_op("First"), node("Hold", f"hold{how}"), no_op("Last"))


@pytest.mark.parametrize(("seconds", "ways"), [(7, ["Pattern"]), (1, ["Loop", "Sort"])])
def test_a_node_that_holds_the_loop_is_ended_and_its_neighbours_go_on(queue, start_holder, seconds, ways) -> None:
    """One holds it for longer than the lease lasts: only a beat beside the loop keeps that."""
    queue.save(stored(wait(1)), "neighbour")
    start_holder(EXECUTIONS_NODE_SECONDS=seconds, **LEASE)
    for how in ways:
        queue.save(hold(how), how)
        neighbours = queue.add("neighbour", 3)
        queue.wait_for(neighbours, ["running"])
        [ended] = queue.wait_for(queue.add(how))
        assert (ended.status, ended.error_node) == ("error", "Hold")
        assert "'Hold'" in ended.error_message
        assert "EXECUTIONS_NODE_SECONDS" in ended.error_message
        assert {each.status for each in queue.wait_for(neighbours)} == {"success"}


@pytest.mark.parametrize("how", ["Loop", "Pattern"])
def test_a_worker_told_to_go_hands_over_a_node_that_holds_its_loop(queue, start_holder, how) -> None:
    queue.save(hold(how))
    holder = start_holder(EXECUTIONS_NODE_SECONDS=600)
    [held] = queue.add()
    queue.wait_for([held], ["running"])
    assert holder.stop(PATIENCE_SECONDS) == 0
    assert queue.get(held).status == "waiting"
    assert queue.ran(held) == {"Start": ["success"], "First": ["success"]}


def test_a_worker_told_to_go_is_gone_whatever_holds_its_loop(queue, start_holder) -> None:
    queue.save(hold("Stubbornly"))
    holder = start_holder(EXECUTIONS_NODE_SECONDS=600)
    queue.wait_for(queue.add(), ["running"])
    assert holder.stop(PATIENCE_SECONDS) == 1


def test_what_computes_beside_the_loop_goes_on_until_it_is_stopped(queue, start_holder) -> None:
    queue.save(hold("Thread"))
    queue.save(stored(no_op()), "neighbour")
    start_holder(EXECUTIONS_NODE_SECONDS=0.5, **LEASE)
    held = queue.add(number=3)
    queue.wait_for(held, ["running"])
    for _ in range(5):
        queue.wait_for(queue.add("neighbour", 5), ["success"])
    assert {each.status for each in queue.wait_for(held, ["running"])} == {"running"}
    with queue.connection.transaction():
        for execution_id in held:
            lifecycle.stop(queue.connection, execution_id, project_id=None)
    queue.wait_for(held, ["canceled"])


def test_what_executions_share_is_never_interrupted() -> None:
    frames = []
    exec("def shared(work): work()", shared := {"__name__": "app.outgoing.client"})
    exec("def own(work): work()", own := {"__name__": "app.engine.values.conversions"})

    def note() -> None:
        frames.append(sys._getframe())

    own["own"](lambda: shared["shared"](note))
    shared["shared"](lambda: own["own"](note))
    note()
    own["own"](lambda: asyncio.run(compute(note, size=0)))
    assert [is_interruptible(frame) for frame in frames] == [False, True, False, False]


def test_an_execution_that_is_interrupted_outside_of_its_nodes_has_a_result(monkeypatch) -> None:
    async def interrupt(*_: object) -> None:
        raise Interrupted("it let nothing else go on")

    monkeypatch.setattr(runs, "read_request", interrupt)
    claim = SimpleNamespace(id=7, mode="manual", awaited=False, resumed=False)
    assignment = SimpleNamespace(claim=claim, input=SimpleNamespace(sealed=None), earlier=None, unread=False)
    ended = asyncio.run(runs.run(assignment, None, None, None))
    assert (ended.result.id, ended.result.status, ended.result.error_message) == (7, "error", runs.BROKEN)
