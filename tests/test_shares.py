"""Places that are shared: nobody takes more than its share, and what ends gives its place back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from app.shares import NoRoom, Shares
from tests.patience import PATIENCE_SECONDS


def test_nobody_takes_more_than_a_share() -> None:
    shares = Shares(most=3, each=2)
    with ExitStack() as slow:
        for _ in range(2):
            slow.enter_context(shares.taken("slow"))
        with pytest.raises(NoRoom), shares.taken("slow"):
            pass
        with shares.taken("other"), pytest.raises(NoRoom), shares.taken("third"):
            pass
    with shares.taken("slow"), shares.taken("slow"), shares.taken("third"):
        pass


def test_a_failure_gives_its_place_back() -> None:
    shares = Shares(most=1, each=1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), shares.taken("a"):
            raise ZeroDivisionError


def test_whoever_waits_gets_the_place_that_comes_free() -> None:
    shares, waiting = Shares(most=1, each=1), threading.Event()

    def wait() -> str:
        waiting.set()
        with shares.taken("b", PATIENCE_SECONDS):
            return "came free"

    with ThreadPoolExecutor(1) as pool:
        with shares.taken("a"):
            waiter = pool.submit(wait)
            waiting.wait(PATIENCE_SECONDS)
            with pytest.raises(NoRoom), shares.taken("c", 0.01):
                pass
        assert waiter.result(PATIENCE_SECONDS) == "came free"
