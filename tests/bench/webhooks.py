"""From a call of a webhook to its answer, here and, when N8N_URL and N8N_API_KEY name one, in a real n8n."""

import json
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests import live
from tests.bench.load import CLIENTS, Target, drive_in_turn
from tests.bench.n8n import N8n, ask
from tests.bench.report import Report
from tests.workflows import chain, no_op, node, set_field

TO_REACH = 10
PATH = f"bench-{uuid.uuid4().hex[:8]}"
REGISTERED_SECONDS = 10


def workflow() -> dict[str, Any]:
    """Three nodes, of which the last one answers."""
    hook = {"path": PATH, "responseMode": "lastNode", "options": {}}
    nodes = [node("Webhook", "webhook", hook, 2), set_field("a", "={{ $json.query.q }}!"), no_op()]
    own = [{**each, "id": str(uuid.uuid4()), "webhookId": str(uuid.uuid4())} for each in nodes]
    return chain(*own, name="Benchmark", settings={"executionOrder": "v1"})


@contextmanager
def webhook(base: str, key: str) -> Iterator[str]:
    """The address of the workflow's webhook, once it answers; the workflow stays, but is not active."""
    workflow_id = ask("POST", base, key, "/workflows", workflow())["id"]
    try:
        ask("POST", base, key, f"/workflows/{workflow_id}/activate")
        address = f"{base}/webhook/{PATH}?q=1"
        await_answer(address)
        yield address
    finally:
        ask("POST", base, key, f"/workflows/{workflow_id}/deactivate")


def await_answer(address: str) -> None:
    """Wait until the webhook answers; n8n registers it a moment after it has said so."""
    deadline = time.monotonic() + REGISTERED_SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                if json.load(answer) != {"a": "1!"}:
                    sys.exit(f"{address} answers with something else")
                return
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"{address} does not answer: {error}")
            time.sleep(0.2)


def report_webhooks(report: Report, home: Path, database_url: str, n8n: N8n | None) -> None:
    """Here and there in turn, and how many times as fast this is."""
    with ExitStack() as stack:
        server = live.start_server(database_url, home, EXECUTIONS_HTTP_WORKERS=2)
        stack.callback(server.child.stop)
        worker = live.start_worker(database_url, home)
        stack.callback(worker.stop)
        names = ["here: 2 API processes, 1 worker"]
        targets = [Target(stack.enter_context(webhook(server.url, server.key)))]
        if n8n is not None:
            names.append("n8n")
            targets.append(Target(stack.enter_context(webhook(n8n.url, n8n.key))))
        loads = drive_in_turn(targets, rounds=5, seconds=2.0)
    columns = {"executions/s": ",.0f", "p50 ms": ".1f", "p99 ms": ".1f"}
    with report.table(f"webhook to answer, 3 nodes, {CLIENTS} clients", **columns) as table:
        for name, load in zip(names, loads, strict=True):
            table.add(name, *load.figures)
    if n8n is not None:
        print(f"{loads[0].per_second / loads[1].per_second:.1f} times n8n (to reach: {TO_REACH})")
