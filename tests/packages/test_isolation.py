"""Which of a project's work has a process apart: what has ended the shared one, within bounds."""

from app.packages import isolation
from app.packages.isolation import Apart


def test_what_has_ended_a_process_is_apart_and_shares_few_places() -> None:
    apart = Apart({"listening": 2})
    for subject in ("a", "b", "c", "a", ""):
        apart.move("listening", "p", subject)
    apart.move("listening", "q", "a")
    apart.move("acting", "p", "a")
    assert [apart.place_of("listening", "p", subject) for subject in ("a", "b", "c", "d", "")] == [0, 1, 0, None, None]
    assert apart.place_of("listening", "q", "a") == 0
    assert apart.place_of("acting", "p", "a") is None


def test_what_is_not_called_for_any_more_is_back_among_the_others(monkeypatch) -> None:
    apart = Apart({"listening": 1})
    apart.move("listening", "p", "a")
    monkeypatch.setattr(isolation, "KEPT_SECONDS", -1.0)
    assert apart.place_of("listening", "p", "a") is None


def test_no_more_is_kept_than_may_be(monkeypatch) -> None:
    monkeypatch.setattr(isolation, "MAX_KEPT", 2)
    apart = Apart({"listening": 3})
    for subject in ("a", "b", "c"):
        apart.move("listening", "p", subject)
    assert [apart.place_of("listening", "p", subject) for subject in ("a", "b", "c")] == [None, 1, 2]
