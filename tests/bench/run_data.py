"""Reading a run of 100 MB node by node: its structure and pages of items, over the API."""

import statistics
import time
from pathlib import Path

import orjson

from app.repository import lifecycle, workers, workflows
from app.repository.connection import Connection, connect
from app.repository.execution_data import encode_run_data
from app.repository.lifecycle import Result
from tests import live
from tests.bench.report import Report
from tests.memory import answering_process, forget_peak, peak_bytes
from tests.workflows import no_op, stored

ITEM = {"id": 0, "name": "Ada Lovelace", "email": "ada@example.com", "note": "as the order says, twice", "price": 9.5}
ITEMS_OF_A_NODE = 205_000
ROUNDS = 9
CASES = {
    "structure": "",
    "first page of 100 items": "?node=First",
    "page in the middle": f"?node=Second&offset={ITEMS_OF_A_NODE // 2}",
    "last page": f"?node=Last&offset={ITEMS_OF_A_NODE - 100}",
    "one item of 10 MB": "?node=File",
    "one run of 5,000": "?node=Loop&run=4321",
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
            with report.table(heading, **{"ms": ",.0f", "MiB more": ",.1f"}) as table:
                table.add("compress, as before", *compressed(text), None)
                table.add("compress, index and store", recorded, None)
                for name, query in CASES.items():
                    before, times = forget_peak(pid), []
                    for _ in range(ROUNDS):
                        began = time.perf_counter()
                        assert server.get(f"/api/v1/executions/{number}/data{query}").status == 200
                        times.append((time.perf_counter() - began) * 1000)
                    table.add(name, statistics.median(times), (peak_bytes(pid) - before) / 2**20)
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


def record(connection: Connection, text: bytes) -> tuple[int, float]:
    """An execution with this data, and the milliseconds that it took to record it."""
    workflow = "large"
    workflows.create_workflow(connection, workflow, project_id="default", name=workflow, definition=stored(no_op()))
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
