"""When a request has arrived, whatever it is cut into."""

import time

import pytest

from app.http.arrival import Arrival, TooManyChunks

HEAD = b"POST /webhook/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


def arrival() -> Arrival:
    begun = Arrival(16 * 2**20)
    begun.add(HEAD)
    return begun


@pytest.mark.parametrize("piece", [1, 3, 10_000])
def test_a_chunked_body_is_complete_at_its_last_chunk(piece: int) -> None:
    begun, body = arrival(), b"5;a=b\r\nhello\r\n" * 20 + b"1\r\n\n\r\n0\r\nX: y\r\n\r\n"
    pieces = [body[at : at + piece] for at in range(0, len(body), piece)]
    for each in pieces[:-1]:
        begun.add(each)
        assert not begun.complete
    begun.add(pieces[-1])
    assert begun.complete


def test_a_body_in_chunks_of_nothing_is_refused() -> None:
    begun = arrival()
    begun.add(b"1\r\nx\r\n" * 10_000)
    with pytest.raises(TooManyChunks):
        begun.add(b"1\r\nx\r\n" * 10_000)


def test_one_in_many_chunks_is_looked_at_in_a_time_that_grows_with_their_number() -> None:
    """On the one loop of the process, and nobody needs a key for it."""

    def seconds(number: int) -> float:
        begun, body = arrival(), b"20\r\n" + b"x" * 32 + b"\r\n"
        began = time.process_time()
        begun.add(body * number)
        return time.process_time() - began

    few = min(seconds(2_000) for _ in range(3))
    assert min(seconds(16_000) for _ in range(3)) < 30 * few + 0.02  # eight times as many; squared 64 times


@pytest.mark.parametrize("size", ["1" * 16, "0" * 20 + "5"])
def test_a_chunk_is_awaited_however_many_digits_its_size_has(size: str) -> None:
    begun = arrival()
    begun.add(size.encode() + b"\r\nhell")
    assert not begun.complete


@pytest.mark.parametrize(("length", "ready"), [("9" * 5_000, True), ("0" * 5_000 + "5", False)])
def test_so_is_a_body_of_any_length_unless_it_is_too_large(length: str, ready: bool) -> None:
    begun = Arrival(16 * 2**20)
    begun.add(f"POST /webhook/x HTTP/1.1\r\nContent-Length: {length}\r\n\r\nhell".encode())
    assert (begun.complete, begun.is_ready) == (False, ready)
