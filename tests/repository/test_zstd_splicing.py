"""Frames become one frame that any decoder reads, whatever stands at their beginnings."""

import random

import httpx
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from app.repository.zstd_splicing import BEGIN, BrokenFrame, blocks, fits, splice_frames

SPACES = 17  # between two parts: what resets the frame stands for them

# What repeats itself at the distances that a frame begins with, and at others, from its first bytes on.
repeating = st.builds(lambda unit, times: unit * times, st.binary(min_size=1, max_size=12), st.integers(1, 400))
texts = st.lists(repeating | st.binary(max_size=300), max_size=6).map(b"".join)


def frame(text: bytes, level: int) -> bytes:
    return zstandard.ZstdCompressor(level=level).compress(text)


def in_slices(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def decoded(data: bytes) -> bytes:
    decoder = zstandard.ZstdDecompressor().decompressobj()
    text = decoder.decompress(data)
    assert decoder.eof, "there is no whole frame"
    assert not decoder.unused_data, "there is more than one frame"
    return text


@settings(max_examples=150, deadline=None)
@given(st.lists(texts, min_size=1, max_size=6), st.sampled_from([-5, 1, 2, 3, 7, 19]), st.integers(1, 4000))
def test_the_text_is_that_of_all_frames(parts: list[bytes], level: int, size: int) -> None:
    made = b"".join(splice_frames(in_slices(frame(part, level), size) for part in parts))
    assert decoded(made) == (b" " * SPACES).join(parts)


def test_frames_of_many_blocks_and_of_unknown_size() -> None:
    chance = random.Random(1)
    words = [chance.randbytes(chance.randrange(1, 20)) for _ in range(500)]
    parts = [b"".join(chance.choices(words, k=k)) for k in (0, 100, 30_000, 200_000, 7)]
    parts += [b"y" * 1_000_000, chance.randbytes(300_000)]
    frames = []
    for part in parts:
        encoder = zstandard.ZstdCompressor(level=2).compressobj()
        frames.append([encoder.compress(piece) for piece in in_slices(part, 50_000)] + [encoder.flush()])
    assert decoded(b"".join(splice_frames(frames))) == (b" " * SPACES).join(parts)


def test_nothing_at_all_is_an_empty_frame() -> None:
    assert decoded(b"".join(splice_frames([]))) == b""


def test_httpx_reads_it_in_pieces_of_any_size() -> None:
    """It does not read frames that follow each other where a piece ends with one of them."""
    parts = [b'{"a":1}' * 50, b'{"b":2}' * 50]
    made = b"".join(splice_frames([frame(part, 2)] for part in parts))
    for size in range(1, len(made)):
        response = httpx.Response(200, headers={"Content-Encoding": "zstd"}, content=iter(in_slices(made, size)))
        assert response.read() == (b" " * SPACES).join(parts)


def test_a_frame_that_ends_too_early_is_noticed() -> None:
    whole = frame(random.Random(1).randbytes(1000), 2)
    for end in (len(whole) - 1, len(whole) // 2, 10):
        with pytest.raises(BrokenFrame):
            list(blocks([whole[:end]]))


def test_a_frame_that_reaches_too_far_back_is_told() -> None:
    assert fits(frame(b"x" * 10_000_000, 2))
    far = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=23))
    assert not fits(far.compress(b"x" * 10_000_000))
    assert zstandard.get_frame_parameters(BEGIN + b"\x01\x00\x00").window_size == 2**21
