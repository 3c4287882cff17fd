"""A page of one node's items is what a reader of the whole document sees, however the data is stored and cut."""

import json
import random
from contextlib import contextmanager, nullcontext

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from app.repository import execution_data, lifecycle, run_pages, run_scan
from app.repository.execution_data import DataGone, encode_run_data, read_beginnings, read_data
from app.repository.run_index import SEGMENT_RUNS
from app.repository.run_pages import WholeData, open_index, output_of
from app.repository.run_scan import UnreadableRunData, compact, scan
from tests.repository.given import a_running_execution, a_worker, a_workflow

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(['a"}', "\\", "data", "é"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
outputs = st.lists(st.none() | st.lists(values, max_size=6), max_size=3)
runs = st.fixed_dictionaries(
    {"executionIndex": st.integers(0, 9), "startTime": st.integers(0, 10**13)},
    optional={
        "data": st.dictionaries(st.sampled_from(["main", "ai_tool"]), outputs, max_size=2),
        "inputOverride": st.fixed_dictionaries({"ai_tool": outputs}),
        "source": st.lists(st.none() | st.fixed_dictionaries({"previousNode": names}), max_size=2),
        "error": st.fixed_dictionaries({"message": names, "more": values}),
        "odd": values,
    },
)
documents = st.builds(
    lambda run_data, more: {"version": 1, "odd": more, "resultData": {"runData": run_data}, "executionData": more},
    st.dictionaries(names, st.lists(runs, max_size=3), max_size=4),
    values,
)


def encoded(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


@settings(max_examples=25, deadline=None)
@given(documents)
def test_every_output_is_found_where_it_stands(document) -> None:
    text = encoded(document)
    data = WholeData(text)
    assert data.counts == {name: len(runs) for name, runs in document["resultData"]["runData"].items()}
    for name, each in document["resultData"]["runData"].items():
        for run, found in zip(each, data.runs(name, 0, 100), strict=True):
            assert found.index == run["executionIndex"]
            for given_ones, recorded in ((found.outputs, run.get("data")), (found.inputs, run.get("inputOverride"))):
                shown = {
                    kind: [o and json.loads(b"[%s]" % text[o.start : o.end]) for o in every]
                    for kind, every in given_ones.items()
                }
                assert shown == {kind: [o and o for o in every] for kind, every in (recorded or {}).items()}


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"7", b'{"resultData":{"runData":{"A":[5]}}}', b'{"resultData":{"runData":{"A":{"data":1}}}}',
     b'{"resultData":{"runData":{"A":[{"data":{"main":7}}]}}}', b'{"a":1,"a":2}', b'{ "a" : 1 }',
     b'{"resultData":{"runData":{"A":[{"data":{"main":[[1, 2]]}}]}}}', b'{"a":' + b"[" * 9_999 + b"}",
     b'{"resultData":{"runData":{"A":[{"data":{"main":[[' + b'"\\ud800' * 99],
)  # fmt: skip
def test_what_is_no_run_s_data_without_spaces_is_unreadable(text: bytes) -> None:
    with pytest.raises(UnreadableRunData):
        scan(text)
    assert encode_run_data([text + b" " * execution_data.INDEXED_BYTES])[0].index is None


def test_spaces_are_taken_away_where_there_are_some() -> None:
    text = b'{ "resultData": { "runData": { "A": [ { "data": { "main": [ [ {"a" : 1}, 2 ] ] } } ] } } }'
    data = WholeData(text)
    output = output_of(data, "A", 0, "main", 0)
    assert b"".join(data.page(output, 0, 9).pieces) == b'{"a":1},2'
    assert compact(text) == encoded(json.loads(text))


HALF = rb'{"json":{"n\udc00":"\ud83d\ude00 \\\\ud800 \ud800"}}'
DEEP = b'{"json":{"lists":' + b"[" * 9_999 + b'"]\\"["' + b"]" * 9_999 + b',"n":1}}'
SMALL = b'{"json":{"n":2}}'


@pytest.mark.parametrize("odd", [HALF, DEEP])
@pytest.mark.parametrize("space", [b"", b" "])
def test_items_that_parsers_refuse_are_found_where_they_stand(odd: bytes, space: bytes) -> None:
    error = b'{"message":"half \\ud800"}'
    run = b'{"data":{"main":[[%s,%s%s]]},"error":%s}' % (odd, space, SMALL, error)
    text = b'{"resultData":{"runData":{"A":[%s]},"lastNodeExecuted":"A"}}' % run
    data = WholeData(text)
    output = output_of(data, "A", 0, "main", 0)
    assert b"".join(data.page(output, 0, 9).pieces) == odd + b"," + SMALL
    assert b"".join(data.page(output, 1, 9).pieces) == SMALL
    assert data.runs("A", 0, 1)[0].failure.message == "half \ufffd"
    other = WholeData(text.replace(b"d800", b"d801"))
    assert (output_of(other, "A", 0, "main", 0).digest == output.digest) is (odd is DEEP)  # of what is stored
    large = text.replace(b", ", b",").replace(SMALL, b'"%s"' % (b"x" * execution_data.INDEXED_BYTES))
    assert encode_run_data([large])[0].index is not None


def large_document() -> dict:
    """Outputs of nothing, of little, of much, and of items larger than a piece or a page."""
    source = random.Random(7)
    small = [{"json": {"n": n, "text": "é" * source.randrange(30)}} for n in range(2_000)]
    mixed = [{"json": {"n": n, "text": "x" * (60_000 if n in (0, 3, 4, 9) else 40)}} for n in range(10)]
    run_data = {
        "Start": [{"executionIndex": 0, "data": {"main": [[{"json": {}}]]}}],
        "Small": [{"executionIndex": 1, "data": {"main": [small, [], None]}}],
        "Mixed": [{"executionIndex": 2, "data": {"main": [mixed], "ai_tool": [[{"json": 1}]]}}],
        "Loop": [
            {"executionIndex": 3 + n, "data": {"main": [[{"json": {"round": n}}]]}} for n in range(SEGMENT_RUNS + 20)
        ],
    }
    return {"resultData": {"runData": run_data, "lastNodeExecuted": "Loop"}, "executionData": {"rest": "y" * 50_000}}


@pytest.fixture
def small_pieces(monkeypatch) -> None:
    monkeypatch.setattr(execution_data, "INDEXED_BYTES", 1_000)
    monkeypatch.setattr(execution_data, "CUT_SLICE_BYTES", 300)
    monkeypatch.setattr(run_scan, "PIECE_BYTES", 4_000)
    monkeypatch.setattr(run_pages, "PIECE_BYTES", 4_000)
    monkeypatch.setattr(run_pages, "PAGE_BYTES", 20_000)
    monkeypatch.setattr(run_pages, "BEGINNING_BYTES", 500)


@pytest.fixture
def stored(connection, small_pieces) -> int:
    """The large document as the result of an execution."""
    a_workflow(connection)
    worker_id = a_worker(connection)
    execution_id = a_running_execution(connection, worker_id)
    lifecycle.finish(
        connection, worker_id, [lifecycle.Result(execution_id, "success", "manual", encoded(large_document()))]
    )
    connection.commit()
    return execution_id


def test_pages_of_indexed_data(connection, connect, stored: int) -> None:
    other = connect(autocommit=True)

    @contextmanager
    def open_connection():
        yield other

    data = open_index(connection, stored, open_connection)
    assert data is not None
    assert data.last_node == "Loop"
    assert json.loads(read_data(connection, [stored])[stored]) == large_document()
    for node, recorded in large_document()["resultData"]["runData"].items():
        assert data.counts[node] == len(recorded)
        for run in (0, len(recorded) - 1):
            for kind, every in recorded[run]["data"].items():
                for number, items in enumerate(every):
                    output = output_of(data, node, run, kind, number)
                    assert (output is None) == (items is None)
                    for offset, limit in ((0, 250), (1, 3), (999, 100), (1_995, 9), (2_000, 1)) if items else ():
                        assert_page(data, output, items, offset, limit)
    assert [run.index for run in data.runs("Loop", SEGMENT_RUNS - 2, 4)] == [3 + SEGMENT_RUNS + n for n in range(-2, 2)]


def assert_page(data, output, items: list, offset: int, limit: int) -> None:
    """All pages from `offset` on hold the items, each no more than it may."""
    at: int | None = offset
    for _ in range(3):
        page = data.page(output, at, limit)
        text = b"".join(page.pieces)
        shown = json.loads(b"[" + text + b"]")
        assert len(text) <= run_pages.PAGE_BYTES or len(shown) == 1
        assert shown == items[at : at + len(shown)]
        assert shown or at >= len(items)
        assert page.next_offset == (at + len(shown) if at + len(shown) < len(items) else None)
        at = page.next_offset
        if at is None:
            return


def test_indexed_data_is_read_slice_by_slice_as_well(connection, connect, stored: int, monkeypatch) -> None:
    monkeypatch.setattr(execution_data, "SLICE_BYTES", 700)
    other = connect(autocommit=True)
    reader = execution_data.DataReader(lambda: nullcontext(other))
    text = b"".join(reader.as_json(read_beginnings(connection, [stored], 700)[stored]))
    assert text == read_data(connection, [stored])[stored]
    assert json.loads(text) == large_document()


def test_the_index_of_what_was_replaced_by_an_earlier_release_is_not_used(connection, stored: int) -> None:
    frame = zstandard.ZstdCompressor().compress(encoded({"resultData": {"runData": {}}}))
    connection.execute("UPDATE execution_data SET encoded = %s WHERE execution_id = %s", [frame, stored])
    assert open_index(connection, stored, pytest.fail) is None


def test_a_page_of_what_was_deleted_meanwhile_is_none(connection, connect, stored: int) -> None:
    other = connect(autocommit=True)

    @contextmanager
    def open_connection():
        yield other

    connection.commit()
    data = open_index(connection, stored, open_connection)
    output = output_of(data, "Small", 0, "main", 0)
    connection.commit()
    other.execute("DELETE FROM executions WHERE id = %s", [stored])
    with pytest.raises(DataGone):
        data.page(output, 0, 10)
