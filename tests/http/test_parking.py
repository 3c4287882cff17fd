"""Where calls wait for their answers."""

from app.http.parking import MOMENT_SECONDS, Parking


def test_only_some_threads_wait_a_moment() -> None:
    parking, told = Parking(1, waiting_threads=1), []

    def wait(seconds: float) -> bool:
        told.append((seconds, parking.wait_a_moment(lambda seconds: True)))
        return True

    assert parking.wait_a_moment(wait)
    assert told == [(MOMENT_SECONDS, False)]
    assert not parking.wait_a_moment(lambda seconds: False)
    assert parking.wait_a_moment(lambda seconds: True)
    assert not Parking(1, waiting_threads=0).wait_a_moment(wait)
