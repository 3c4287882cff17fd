"""A process that does not answer is found out by looks at it, not by a clock that also counts its worker's sleep."""

from dataclasses import dataclass

from app.engine.sandbox.silence import LOOK_SECONDS, LOOKS, MIN_WORTH, Silence


@dataclass
class Process:
    """A process as Silence sees it."""

    progress: tuple[int, int] = (0, 0)
    waited_seconds: float = 0.0
    asked: int = 0

    def ask(self) -> None:
        self.asked += 1


def looks_until_silent(process: Process, silence: Silence, most: int = 100) -> int:
    return next(count for count in range(most) if silence.look())


def test_it_is_silent_after_some_looks_without_a_word():
    process = Process()
    silence = Silence(process)  # type: ignore[arg-type]
    assert looks_until_silent(process, silence) == LOOKS
    assert process.asked == 1


def test_it_is_asked_again_once_it_has_answered():
    process = Process()
    silence = Silence(process)  # type: ignore[arg-type]
    for _ in range(20):
        assert not silence.look()
        silence.end()
    assert process.asked == 20


def test_one_that_takes_or_says_something_is_not_silent():
    process = Process()
    silence = Silence(process)  # type: ignore[arg-type]
    for number in range(50):
        process.progress = (number, 0) if number % 2 else (number - 1, number)
        assert not silence.look()
    assert looks_until_silent(process, silence) <= LOOKS


def test_what_the_machine_keeps_from_it_counts_less_and_not_for_nothing():
    process = Process()
    silence = Silence(process)  # type: ignore[arg-type]
    for _ in range(LOOKS + 1):
        process.waited_seconds += LOOK_SECONDS
        assert not silence.look()
    count = 0
    while not silence.look():
        process.waited_seconds += LOOK_SECONDS
        count += 1
    assert count <= LOOKS / MIN_WORTH
