"""Reading a run of 100 MB node by node: its structure and pages of items, over the API and in the console."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

from app.console_links import new_link
from app.repository import lifecycle, workers, workflows
from app.repository.connection import Connection, connect
from app.repository.execution_data import encode_run_data
from app.repository.lifecycle import Result
from tests import live
from tests.bench.console import BLANK, Client, ratio
from tests.bench.report import Report
from tests.memory import answering_process, forget_peak, peak_bytes
from tests.workflows import no_op, stored

ITEM = {"id": 0, "name": "Ada Lovelace", "email": "ada@example.com", "note": "as the order says, twice", "price": 9.5}
ITEMS_OF_A_NODE = 205_000
NODES = ("First", "Second", "File", "Loop", "Last")
ROUNDS = 9
DATA, PAGE = "/api/v1/executions/{id}/data", "/console/executions/{id}"
CASES = {
    "structure": DATA,
    "first page of 100 items": f"{DATA}?node=First",
    "page in the middle": f"{DATA}?node=Second&offset={ITEMS_OF_A_NODE // 2}",
    "last page": f"{DATA}?node=Last&offset={ITEMS_OF_A_NODE - 100}",
    "one item of 10 MB": f"{DATA}?node=File",
    "one run of 5,000": f"{DATA}?node=Loop&run=4321",
    "the console's page of it": PAGE,
    "the console's page of a node": f"{PAGE}/node?node=Last",
    "the console's page of a node's item of 10 MB": f"{PAGE}/node?node=File",
    "the file of that item": f"{PAGE}/file?node=File&name=data",
}


def report_run_data(report: Report, home: Path, database_url: str) -> None:
    """Each case, and by how much the memory of the API process grew."""
    text = document()
    with connect(database_url, autocommit=True) as connection:
        number, recorded = record(connection, text)
        server = live.start_server(database_url, home)
        try:
            server.get("/api/v1/executions")
            pid = answering_process(server)
            heading = f"a run of {len(text) / 1e6:,.0f} MB by node"
            client = Client(server.url)
            client.sign_in(new_link(connection, "", server.key))
            columns = {"ms": ",.0f", "of a blank page": ",.1f", "MiB more": ",.1f"}
            with report.table(heading, **columns) as table:
                table.add("compress, as before", *compressed(text), None, None)
                table.add("compress, index and store", recorded, None, None)
                for name, path in CASES.items():
                    before = forget_peak(pid)
                    asked = {"a blank page": (BLANK, {}), name: (path.format(id=number), {})}
                    times, _ = client.measure(asked, ROUNDS)
                    blank = ratio(times[name], times["a blank page"])
                    table.add(name, statistics.median(times[name]), blank, (peak_bytes(pid) - before) / 2**20)
        finally:
            server.child.stop()


def document() -> bytes:
    """Three nodes of many items, one of a large one, and one that ran often."""
    items = [{"json": {**ITEM, "id": n}, "pairedItem": {"item": n}} for n in range(ITEMS_OF_A_NODE)]
    runs = {name: [{"executionIndex": n, "data": {"main": [items]}}] for n, name in enumerate(("First", "Second"))}
    runs["File"] = [{"data": {"main": [[{"json": {}, "binary": {"data": {"data": "QUJD" * 2_500_000}}}]]}}]
    runs["Loop"] = [{"data": {"main": [[{"json": {"round": n}}]]}} for n in range(5_000)]
    runs["Last"] = [{"executionIndex": 9, "data": {"main": [items]}}]
    return orjson.dumps({"resultData": {"runData": runs, "lastNodeExecuted": "Last"}})


def record(
    connection: Connection, text: bytes, workflow: str = "large", nodes: Sequence[str] = NODES
) -> tuple[int, float]:
    """An execution with this data of these nodes, and the milliseconds that it took to record it."""
    definition = stored(*(no_op(name) for name in nodes))
    workflows.create_workflow(connection, workflow, project_id="default", name=workflow, definition=definition)
    target = workflows.get_workflow(connection, workflow).target
    number = lifecycle.create_execution(connection, target, mode="manual")
    worker_id = workers.register(connection, hostname="bench", pid=1, concurrency=1)
    lifecycle.claim(connection, worker_id, 1)
    began = time.perf_counter()
    lifecycle.finish(connection, worker_id, [Result(number, "success", "manual", text)])
    return number, (time.perf_counter() - began) * 1000


def compressed(text: bytes) -> list[float]:
    """Milliseconds to compress the same without an index: it is no run's data to the one who looks."""
    began = time.perf_counter()
    encode_run_data([b" " + text])
    return [(time.perf_counter() - began) * 1000]
