"""Places that are shared: nobody takes more than its share, and what ends gives its place back."""

from contextlib import ExitStack

import pytest

from app.shares import NoRoom, Shares


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
