"""What the executions of one worker hold together, measured: over its bound they fail, and others go on."""

from typing import Any
from unittest.mock import MagicMock

import pytest

from app.repository import workflows
from app.repository.lifecycle import ExtraPlaces
from app.worker.free_places import FreePlaces
from tests.memory import forget_peak, peak_bytes, resident_bytes
from tests.patience import wait_until
from tests.workflows import code, no_op, node, stored, wait

MIB = 2**20
HELD = 12 * MIB
"""Bytes of one execution's text."""


@pytest.mark.slow
def test_executions_of_one_worker_take_no_more_memory_together_than_they_may(queue, start_worker) -> None:
    queue.save(stored(code(f"return [{{json: {{a: 'x'.repeat({HELD})}}}}]"), wait(64)), "large")
    queue.connection.execute("INSERT INTO projects (id, name) VALUES ('beta', 'Beta')")
    workflows.create_workflow(queue.connection, "small", project_id="beta", name="small", definition=stored(no_op()))
    worker = start_worker(EXECUTIONS_WORKER_BYTES=40 * MIB)
    queue.wait_for(queue.add("small"))
    before = resident_bytes(worker.pid)
    many = queue.add("large", number=12)
    failed = wait_until(lambda: [each for each in map(queue.get, many) if each.status == "error"][9:])
    assert all("30 MiB (EXECUTIONS_WORKER_BYTES)" in each.error_message for each in failed)
    assert resident_bytes(worker.pid) - before < 10 * HELD
    assert [each.status for each in queue.wait_for(queue.add("small"))] == ["success"]


@pytest.mark.slow
def test_what_a_run_with_large_texts_took_is_given_back(queue, start_worker) -> None:
    big = code(f"return [{{json: {{a: '\\u{{1F600}}'.repeat({HELD // 4})}}}}]")
    failing = [
        node(f"Step {number}", "set", {"mode": "raw", "jsonOutput": "={{ $json.a }}"}, 3.4)
        | {"onError": "continueRegularOutput"}
        for number in range(6)
    ]
    queue.save(stored(big, *failing), "large")
    queue.save(stored(no_op()), "small")
    worker = start_worker(EXECUTIONS_RUN_BYTES=40 * MIB)
    queue.wait_for(queue.add("small"))
    before = forget_peak(worker.pid)
    queue.wait_for(queue.add("large"))
    assert peak_bytes(worker.pid) - before < 40 * MIB + 8 * HELD
    wait_until(lambda: resident_bytes(worker.pid) - before < HELD)  # it has ended before all of it is let go


@pytest.mark.parametrize(("tight", "extra", "free"), [(False, 2, 7), (True, 2, 0), (True, 0, 7)])
def test_while_memory_is_tight_only_extra_places_are_free(tight: bool, extra: int, free: int) -> None:
    settings: Any = MagicMock(concurrency=10, extra_places=extra)
    held: Any = MagicMock(places=3)
    held.extra.return_value = ExtraPlaces(extra)
    places = FreePlaces(settings, held, MagicMock(tight=tight), MagicMock())
    assert places.count(claiming=True) == (free, ExtraPlaces(extra))
