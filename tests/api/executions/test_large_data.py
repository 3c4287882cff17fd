"""Run data of 100 MB goes through a real API process in little memory, whole or not at all."""

import base64
import http.client
import json
import os
import time
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import zstandard

from app.repository.api_keys import ensure_api_key
from tests import live
from tests.live import KEY, LiveServer
from tests.memory import answering_process, forget_peak, peak_bytes
from tests.patience import PATIENCE_SECONDS
from tests.repository.given import as_before_compression

MEBIBYTE = 2**20
LARGE = 100 * 10**6
ALL = "includeData=true&ignoreDataSizeLimit=true"


def document(text: bytes) -> bytes:
    return b'{"resultData":{"runData":{"Start":[{"text":"' + text + b'"}]}}}'


def shortened(text: bytes, length: int) -> bytes:
    return text[:length] + b'"}]}}}'


@pytest.fixture(scope="module")
def dense() -> bytes:
    """Hardly compressible: what is stored is as large as three quarters of it."""
    return document(base64.b64encode(os.urandom(LARGE // 4 * 3)))


@pytest.fixture(scope="module")
def excerpt(dense: bytes) -> bytes:
    """Enough that no buffer on the way holds it."""
    return shortened(dense, 24_000_000)


class Download:
    """A read of an answer in pieces, as it comes."""

    def __init__(self, server: LiveServer, path: str, coding: str | None = None) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE_SECONDS)
        headers = {"X-N8N-API-KEY": KEY} | ({"Accept-Encoding": coding} if coding else {})
        self.connection.request("GET", f"/api/v1{path}", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        assert self.answer.headers.get("Content-Encoding") == coding

    def read(self, size: int) -> bytes:
        return self.answer.read(size)

    def pieces(self) -> Iterator[bytes]:
        """The decoded text."""
        coding = self.answer.headers.get("Content-Encoding")
        if coding == "zstd":
            reader = zstandard.ZstdDecompressor().stream_reader(self)
            yield from iter(lambda: reader.read(MEBIBYTE), b"")
            return
        decoder = zlib.decompressobj(31)
        while piece := self.answer.read(MEBIBYTE):
            yield decoder.decompress(piece) if coding == "gzip" else piece


def joined(server: LiveServer, path: str, coding: str | None = None) -> bytes:
    return b"".join(Download(server, path, coding).pieces())


@pytest.fixture(scope="module")
def warm_server(shared_database, tmp_path_factory) -> Iterator[LiveServer]:
    """One process for all tests here, with a single connection to the database."""
    server = live.start_server(shared_database, tmp_path_factory.mktemp("large"), EXECUTIONS_POOL_SIZE=1)
    yield server
    server.child.stop()


@pytest.fixture
def server(warm_server, api) -> LiveServer:
    """A process that has answered before, in every coding and from several threads."""
    ensure_api_key(api.db, KEY, label="tests", scopes=["*"])
    number = api.ended(api.workflow(), data={"a": "x" * MEBIBYTE})
    for coding in (None, "zstd", "gzip") * 2:
        assert joined(warm_server, f"/executions/{number}?{ALL}", coding)
    return warm_server


@pytest.mark.slow
def test_100_megabytes_pass_through_a_process_that_grows_by_less_than_32_mebibytes(server, api, dense) -> None:
    number = api.ended(api.workflow(), data=dense)
    pid = answering_process(server)
    before = forget_peak(pid)
    assert dense in joined(server, f"/executions?{ALL}")
    assert dense in joined(server, f"/executions/{number}?{ALL}", "zstd")
    assert peak_bytes(pid) - before < 32 * MEBIBYTE


def test_what_was_compressed_to_almost_nothing_does_not_swell_in_memory(server, api) -> None:
    number = api.ended(api.workflow(), data=document(b"x" * LARGE))
    pid = answering_process(server)
    before = forget_peak(pid)
    for coding in (None, "gzip", "zstd"):
        assert joined(server, f"/executions/{number}?{ALL}", coding).count(b"x") > LARGE
    assert peak_bytes(pid) - before < 32 * MEBIBYTE


def test_a_page_of_one_node_takes_neither_the_memory_nor_the_time_of_the_whole(server, api) -> None:
    items = [{"json": {"n": n, "text": os.urandom(8).hex()}} for n in range(150_000)]
    file = [{"json": {"text": "x" * 12_000_000}}]
    runs = {name: [{"data": {"main": [each]}}] for name, each in {"A": items, "File": file, "B": items}.items()}
    number = api.ended(api.workflow(), data={"resultData": {"runData": runs}})
    path, pid = f"/api/v1/executions/{number}/data", answering_process(server)
    before = forget_peak(pid)
    (*_, node) = server.get(path).body["nodes"]
    assert node["runs"][0]["outputs"]["main"][0]["items"] == len(items)
    assert server.get(f"{path}?node=B&offset=149900").body["items"] == items[149_900:]
    assert server.get(f"{path}?node=File").body["items"] == file
    assert peak_bytes(pid) - before < 8 * MEBIBYTE


def test_data_from_before_compression_is_read_in_slices_too(server, api, dense) -> None:
    old = shortened(dense, 12_000_000)
    number = api.ended(api.workflow(), data=old)
    as_before_compression(api.db, number)
    pid = answering_process(server)
    before = forget_peak(pid)
    assert old in joined(server, f"/executions/{number}?{ALL}")
    assert peak_bytes(pid) - before < 16 * MEBIBYTE


def test_a_page_of_250_times_10_megabytes(server, api) -> None:
    """It shows the newest within its budget and says which it leaves out; who will have all gets it bit by bit."""
    workflow = api.workflow()
    text = document(b"x" * 10_000_000)
    first = api.ended(workflow, data=text)
    numbers = [first] + [api.queue(workflow) for _ in range(249)]
    api.db.execute(
        "UPDATE executions SET status = 'success', started_at = now(), stopped_at = now(), json_size_bytes = %s"
        " WHERE status = 'new'",
        [len(text)],
    )
    api.db.execute(
        "INSERT INTO execution_data (execution_id, encoding, encoded) SELECT n, d.encoding, d.encoded"
        " FROM execution_data AS d, unnest(%s::bigint[]) AS n WHERE d.execution_id = %s",
        [numbers[1:], first],
    )
    api.db.commit()
    pid = answering_process(server)
    before = forget_peak(pid)
    page = server.get("/api/v1/executions?limit=250&includeData=true").body["data"]
    assert [int(execution["id"]) for execution in page] == numbers[::-1]
    fit = 64 * MEBIBYTE // len(text)
    assert ["data" in execution for execution in page] == [True] * fit + [False] * (250 - fit)
    assert [execution.get("dataTooLargeToDisplay") for execution in page] == [None] * fit + [True] * (250 - fit)
    everything = Download(server, f"/executions?limit=250&{ALL}")
    received = 0
    while received < 2 * LARGE:
        received += len(everything.read(MEBIBYTE))
    everything.connection.close()
    everything.answer.close()
    assert peak_bytes(pid) - before < 32 * MEBIBYTE


def test_callers_who_take_their_time_hold_no_connection(server, api, excerpt) -> None:
    """Four of them, and a pool of one: others are answered, and so are they in the end."""
    number = api.ended(api.workflow(), data=excerpt)
    slow = [Download(server, f"/executions/{number}?{ALL}") for _ in range(4)]
    assert [download.read(1) for download in slow] == [b"{"] * 4
    time.sleep(0.2)
    assert server.get("/api/v1/executions").status == 200
    assert excerpt[-1000:] in slow[0].answer.read()


def test_data_that_is_replaced_while_it_is_sent_cuts_the_connection(server, api, excerpt) -> None:
    number = api.ended(api.workflow(), data=excerpt)
    download = Download(server, f"/executions/{number}?{ALL}", "zstd")
    assert download.read(1000)
    api.db.execute("UPDATE execution_data SET encoded = encoded")
    api.db.commit()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        download.answer.read()
    assert server.get("/api/v1/executions").status == 200
    (line,) = [line for line in server.child.log.read_text().splitlines() if '"answer cut off"' in line]
    said = json.loads(line)
    assert said["reason"] == f"the data of execution {number} was deleted or replaced meanwhile"
    assert said["request_id"] == download.answer.headers["X-Request-Id"]
