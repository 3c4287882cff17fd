"""Run data comes back byte for byte, whole and in slices, however it was stored; a torn read is no read."""

import os
import time
from contextlib import contextmanager, nullcontext

import pytest
import zstandard
from psycopg import errors as pg

from app.repository import execution_data, lifecycle
from app.repository.errors import Conflict
from app.repository.execution_data import SLICE_BYTES, DataGone, DataReader, encode_run_data, read_beginnings, read_data
from app.repository.executions import get_execution
from tests.repository.given import a_running_execution, a_worker, a_workflow, as_before_compression

pytestmark = pytest.mark.own_database

DENSE = b'{"a":"' + os.urandom(2 * SLICE_BYTES).hex().encode() + b'"}'
DOCUMENTS = {
    "nothing": b"{}",
    "short": b'{"a":"\\u0000"}',
    "odd": rb'{"a":"\ud83d","b":"\ud83d\ude00","c":9007199254740993,"d":18446744073709551615,"e":1e400,"a":1}',
    "repeated": b'{"a":"' + b"x" * 4 * SLICE_BYTES + b'"}',
    "dense": DENSE,
}


@pytest.fixture
def stored(connection):
    """Stores documents, each as the result of an execution; returns the ids."""
    a_workflow(connection)
    worker_id = a_worker(connection)

    def store(*documents: bytes, old: bool = False) -> list[int]:
        ids = [a_running_execution(connection, worker_id) for _ in documents]
        results = [lifecycle.Result(i, "success", "manual", d) for i, d in zip(ids, documents, strict=True)]
        assert lifecycle.finish(connection, worker_id, results) == set(ids)
        connection.commit()
        for execution_id in ids if old else ():
            as_before_compression(connection, execution_id)
        return ids

    return store


class Slicewise:
    """Reads data slice by slice, and knows how many connections were opened and are open."""

    def __init__(self, connect) -> None:
        self.connection = connect(autocommit=True)
        self.opened = self.open = 0

    @contextmanager
    def __call__(self):
        self.opened += 1
        self.open += 1
        yield self.connection
        self.open -= 1

    def json(self, execution_id: int):
        beginning = read_beginnings(self.connection, [execution_id])[execution_id]
        for piece in DataReader(self).as_json(beginning):
            assert self.open == 0, "a connection is held while the reader takes its time"
            yield piece


@pytest.fixture
def slicewise(connect) -> Slicewise:
    return Slicewise(connect)


@pytest.mark.parametrize("old", [False, True], ids=["compressed", "from before compression"])
def test_it_comes_back_as_it_was(connection, stored, slicewise, old: bool) -> None:
    ids = stored(*DOCUMENTS.values(), old=old)
    assert read_data(connection, ids) == dict(zip(ids, DOCUMENTS.values(), strict=True))
    for execution_id, document in zip(ids, DOCUMENTS.values(), strict=True):
        pieces = list(slicewise.json(execution_id))
        assert b"".join(pieces) == document
        assert max(map(len, pieces)) <= execution_data.OLD_SLICE_BYTES
        assert get_execution(connection, execution_id).json_size_bytes == len(document)


def test_it_is_compressed_where_that_pays(connection, stored) -> None:
    random, text = os.urandom(300), b'{"runData":[' + b'{"json":{}},' * 30 + b"{}]}"
    assert [(e.encoding, len(e.content)) for e in encode_run_data([b"{}", random])] == [
        ("identity", 2),
        ("identity", 300),
    ]
    [execution_id] = stored(text)
    row = connection.execute("SELECT encoding, encoded, data FROM execution_data").fetchone()
    assert row[0] == "zstd"
    assert row[2] is None
    assert len(row[1]) < len(text) / 4
    assert zstandard.ZstdDecompressor().decompress(row[1]) == read_data(connection, [execution_id])[execution_id]


def test_a_slice_is_read_without_the_rest(connection, stored) -> None:
    stored(os.urandom(40 * SLICE_BYTES))
    storage = "SELECT attstorage FROM pg_attribute WHERE attrelid = 'execution_data'::regclass AND attname = 'encoded'"
    assert connection.execute(storage).fetchone() == ("e",), "PostgreSQL would compress it again"
    connection.execute("ANALYZE execution_data")
    plan = (
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT json)"
        f" SELECT substring(encoded FROM 3000000 FOR {SLICE_BYTES}) FROM execution_data"
    )
    found = connection.execute(plan).fetchone()[0].decode()
    touched = [int(line.split(": ")[1].strip(",")) for line in found.splitlines() if "Shared Hit Blocks" in line]
    assert max(touched) < 2 * SLICE_BYTES / 8192 + 50


def test_a_later_result_takes_the_place_of_an_earlier_one(connection) -> None:
    a_workflow(connection)
    worker_id = a_worker(connection)
    execution_id = a_running_execution(connection, worker_id)
    for old in (True, False):
        wait = lifecycle.Result(
            execution_id, "waiting", "manual", DENSE, resume_on="webhook", waiting_node=b'{"name":"Wait"}'
        )
        lifecycle.finish(connection, worker_id, [wait])
        connection.commit()
        if old:
            as_before_compression(connection, execution_id)
        lifecycle.resume_by_webhook(connection, execution_id, b"[]")
        connection.commit()
        assert [claim.id for claim in lifecycle.claim(connection, worker_id, 1)] == [execution_id]
        connection.commit()
    lifecycle.finish(connection, worker_id, [lifecycle.Result(execution_id, "success", "manual", b'{"a":2}')])
    connection.commit()
    assert read_data(connection, [execution_id]) == {execution_id: b'{"a":2}'}
    assert connection.execute("SELECT data, waiting_node FROM execution_data").fetchall() == [(None, None)]


def test_a_call_that_came_for_one_wait_does_not_end_the_next(connection) -> None:
    """It was let in, and checked, for that one: the next may want another caller, at the same node too."""
    a_workflow(connection)
    worker_id = a_worker(connection)
    execution_id = a_running_execution(connection, worker_id)
    seen = []
    for _ in range(2):
        wait = lifecycle.Result(execution_id, "waiting", "manual", DENSE, resume_on="webhook", waiting_node=b"{}")
        lifecycle.finish(connection, worker_id, [wait])
        connection.commit()
        seen.append(lifecycle.waiting_node(connection, execution_id))
        with pytest.raises(Conflict) if len(seen) == 2 else nullcontext():
            lifecycle.resume_by_webhook(connection, execution_id, b"[]", seen[0])
        connection.commit()
        if len(seen) == 1:
            assert [claim.id for claim in lifecycle.claim(connection, worker_id, 1)] == [execution_id]
    lifecycle.resume_by_webhook(connection, execution_id, b"[]", seen[1])


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM executions",
        "UPDATE execution_data SET encoded = encoded",
        "UPDATE execution_data SET encoded = substring(encoded FOR 1000000) || substring(encoded FROM 1)",
    ],
    ids=["deleted", "replaced", "replaced by another"],
)
def test_a_read_that_no_longer_fits_together_ends_in_an_error(connection, stored, slicewise, change: str) -> None:
    [execution_id] = stored(DENSE)
    pieces = slicewise.json(execution_id)
    next(pieces)
    connection.execute(change)
    connection.commit()
    with pytest.raises(DataGone):
        list(pieces)


def test_a_frame_that_ends_too_early_is_no_whole_document(connection, stored, slicewise) -> None:
    [execution_id] = stored(DENSE)
    connection.execute("UPDATE execution_data SET encoded = substring(encoded FOR length(encoded) - 200000)")
    connection.commit()
    with pytest.raises(DataGone, match="damaged"):
        list(slicewise.json(execution_id))


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ("data = NULL, encoded = NULL, encoding = NULL", "execution_data_is_there_once"),
        ("data = '{}'", "execution_data_is_there_once"),
        ("encoding = 'gzip'", "execution_data_encoding"),
        ("encoding = NULL", "execution_data_encoding"),
    ],
)
def test_a_row_that_says_two_things_or_nothing_is_refused(connection, stored, columns: str, constraint: str) -> None:
    stored(b"{}")
    with pytest.raises(pg.CheckViolation) as refused:
        connection.execute(f"UPDATE execution_data SET {columns}")
    assert refused.value.diag.constraint_name == constraint


def test_one_large_item_takes_time_that_grows_with_its_length():
    def seconds(size: int) -> float:
        document = b'{"resultData":{"runData":{"A":[{"text":"' + os.urandom(size // 2).hex().encode() + b'"}]}}}'
        began = time.process_time()
        encode_run_data([document])
        return time.process_time() - began

    assert seconds(48_000_000) < 6 * 4 * max(seconds(8_000_000), 0.01)
