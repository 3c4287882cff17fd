"""How long a worker stays that was told to stop."""

import asyncio
import sys
from unittest.mock import MagicMock

import pytest

from app.worker import leaving, watchdog
from app.worker.leaving import Leaving
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.worker.test_large_records import WAITING, incompressible, keep_from_recording
from tests.workflows import set_field, stored

SIGNED_OFF = "SELECT count(*) FROM workers AS w WHERE w.stopped_at IS NOT NULL"


@pytest.mark.slow
def test_a_worker_told_to_go_stays_until_a_large_record_is_written(queue, start_worker, connect) -> None:
    """For other things it does not: it would be gone after a tenth of a second."""
    queue.save(stored(set_field("text", incompressible())))
    [large] = queue.add()
    holding = connect()
    keep_from_recording(holding, large)
    worker = start_worker(command=[sys.executable, "-m", "tests.worker.leave_at_once"])
    wait_until(lambda: queue.connection.execute(WAITING, [holding.info.backend_pid]).fetchall(), worker.log_tail)
    worker.ask_to_stop()
    wait_until(lambda: "worker stays until large records are written" in worker.log_tail(), worker.log_tail)
    assert (queue.get(large).status, worker.running) == ("running", True)
    holding.rollback()
    assert worker.stop(PATIENCE_SECONDS) == 0
    assert queue.get(large).status == "success"
    assert queue.connection.execute(SIGNED_OFF).fetchone() == (1,)


def test_a_worker_does_not_stay_for_ever(monkeypatch) -> None:
    for name, seconds in (("LEAVE_SECONDS", 0.0), ("SIGN_OFF_SECONDS", 0.001), ("LOOK_SECONDS", 0.0)):
        monkeypatch.setattr(leaving, name, seconds)
    asked: list[bool] = []

    def records() -> bool:
        asked.append(True)
        if len(asked) == 3:
            monkeypatch.setattr(leaving, "RECORD_SECONDS", 0.0)
        return True

    stay = Leaving(records)
    assert stay.left() < 0
    stay.begin()
    asyncio.run(stay.run())
    assert len(asked) == 3


def test_a_record_that_ends_between_two_looks_leaves_both_who_look_the_time_to_sign_off(monkeypatch) -> None:
    """The loop stays for it; what ends the process by force is a thread."""
    monkeypatch.setattr(leaving, "LEAVE_SECONDS", 0.0)
    monkeypatch.setattr(leaving, "SIGN_OFF_SECONDS", PATIENCE_SECONDS)
    stay = Leaving(iter((True, False)).__next__)
    stay.begin()
    assert stay.left() > 0
    assert stay.left() > 0


def test_a_worker_leaves_by_force_only_later_than_it_should(monkeypatch) -> None:
    class Gone(Exception):
        """In the place of the end of this process."""

    monkeypatch.setattr(watchdog, "FORCE_SECONDS", 0.01)
    monkeypatch.setattr(watchdog, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(watchdog.logging, "shutdown", lambda: None)
    monkeypatch.setattr(watchdog.os, "_exit", MagicMock(side_effect=Gone))
    left = MagicMock(side_effect=[5.0, 0.5, -0.005, -0.02])
    with pytest.raises(Gone):
        watchdog._leave(left)
    assert left.call_count == 4
