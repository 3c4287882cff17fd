"""How much a worker sends to PostgreSQL at once is known before."""

import pytest

from app.repository.execution_data import Encoded
from app.repository.lifecycle import Result
from app.repository.static_data import StaticChange
from app.worker import unrecorded


@pytest.mark.parametrize("data", [b"d" * 1_000, Encoded("zstd", b"d" * 600, 9_000, index=b"i" * 400)])
def test_all_that_may_be_long_in_a_result_is_counted(data: bytes | Encoded) -> None:
    kept = (StaticChange("w1", "global", b"s" * 30), StaticChange("w1", "node:A", b"s" * 3))
    parts = {"answer": b"a" * 200, "waiting_node": b"w" * 20_000, "input_preview": b"p" * 4_000}
    assert unrecorded.size_of(Result(1, "waiting", "manual", data, static_data=kept, **parts)) == 25_233
