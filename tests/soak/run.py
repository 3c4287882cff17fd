"""One soak: start everything, hurt it for a while, let it calm down, and reckon."""

import random
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from app.repository import counters
from tests import clocks
from tests.soak import audit
from tests.soak.chaos import Chaos
from tests.soak.clients import API, Client
from tests.soak.deployment import WORKERS, Deployment
from tests.soak.far_side import FarSide
from tests.soak.full_disk import FullDisk
from tests.soak.ledger import Ledger
from tests.soak.outcome import Outcome
from tests.soak.reckoning import Reckoning
from tests.soak.workflows import documents, parent_of

CLIENTS = 8
PROGRESS_SECONDS = 5.0
CALM_SECONDS = 60.0

BUSY = "SELECT 1 FROM executions WHERE status IN ('new', 'running') LIMIT 1"
WAITING = "SELECT 1 FROM executions WHERE status = 'waiting' LIMIT 1"


def soak(
    seconds: float,
    seed: int,
    *,
    clients: int = CLIENTS,
    first: Sequence[str] = (),
    fill_disk: bool = True,
    home: Path | None = None,
) -> Outcome:
    """Run one soak, which begins with the `first` faults.

    With the same seed the same faults and calls are chosen; when they meet is up to the machine.
    """
    folder = home or Path(tempfile.mkdtemp(prefix="soak-"))
    deployment = Deployment(folder)
    disk = FullDisk(deployment, wanted=fill_disk)
    try:
        return torment(deployment, disk, seconds, seed, clients, first)
    finally:
        deployment.close()
        disk.close()
        if home is None:
            shutil.rmtree(folder, ignore_errors=True)


def torment(
    deployment: Deployment, disk: FullDisk, seconds: float, seed: int, number: int, first: Sequence[str]
) -> Outcome:
    """Let clients work and faults happen, then everything calm down, then compare."""
    ledger, far_side = Ledger(), FarSide(seed)
    with deployment.connect() as connection:
        audit.install(connection)
    ids = store(deployment, far_side)
    clients = [
        Client(deployment.api, ledger, far_side, ids, random.Random(f"{seed} client {index}"))
        for index in range(number)
    ]
    chaos = Chaos(deployment, disk, random.Random(f"{seed} chaos"), first)
    over = threading.Event()
    watcher = threading.Thread(target=watch, args=(ledger, chaos, seconds, over), name="watcher")
    for thread in (*clients, watcher):
        thread.start()
    chaos.run(seconds)
    over.set()
    watcher.join()
    for client in clients:
        client.ask_to_stop()
    for client in clients:
        client.join()
    problems = calm(deployment, ledger)
    with deployment.connect() as connection:
        reckoning = Reckoning(connection, ledger, far_side, ids)
        violations = [*chaos.problems, *problems, *reckoning.violations(), *complaints(deployment)]
        figures = figures_of(reckoning, chaos, deployment)
    figures["violations"] = len(violations)
    return Outcome(figures, violations, skipped(disk))


def store(deployment: Deployment, far_side: FarSide) -> dict[str, str]:
    """Store the workflows over HTTP and activate the one with a webhook; their ids by name."""
    ids = {}
    for name, document in documents(far_side.url).items():
        ids[name] = deployment.api.post(f"{API}/workflows", document).body["id"]
    ids["parent"] = deployment.api.post(f"{API}/workflows", parent_of(ids["child"], far_side.url)).body["id"]
    answer = deployment.api.post(f"{API}/workflows/{ids['hook']}/activate")
    assert answer.status == 200, answer.body
    return ids


def watch(ledger: Ledger, chaos: Chaos, seconds: float, over: threading.Event) -> None:
    """Print how it goes until it is over."""
    began = time.monotonic()
    while not over.wait(PROGRESS_SECONDS):
        print(
            f"{time.monotonic() - began:4.0f} s of {seconds:.0f}: {sum(ledger.answers.values()):,} calls, "
            f"{len(ledger.started) + len(ledger.retried):,} executions acknowledged, "
            f"{sum(chaos.done.values())} faults, {len(ledger.problems) + len(chaos.problems)} problems",
            flush=True,
        )


def calm(deployment: Deployment, ledger: Ledger) -> list[str]:
    """Let everything that was begun come to its end; what waits for a call is stopped."""
    if not deployment.until(lambda c: c.execute(BUSY).fetchone() is None, CALM_SECONDS):
        return [f"there are executions in flight {CALM_SECONDS:.0f} s after the last fault"]
    answer = deployment.api.post(f"{API}/executions/stopMany", {"filter": {"status": ["waiting"]}})
    if answer.status != 200:
        return [f"what waits could not be stopped: {answer.status} {answer.body}"]
    ledger.stopped_many += answer.body["stopped"]
    return []


def complaints(deployment: Deployment) -> list[str]:
    """Log lines of errors that nobody expects, even here."""
    found = re.findall(r'^\{.*"message":"(?:engine failed|unexpected error)".*$', deployment.logs(), re.MULTILINE)
    return [f"logged: {line}" for line in found]


def figures_of(reckoning: Reckoning, chaos: Chaos, deployment: Deployment) -> dict[str, int]:
    """What there was to see."""
    ledger = reckoning.ledger
    figures = {
        "executions": len(reckoning.by_execution),
        "runs acknowledged": len(ledger.started),
        "retries acknowledged": len(ledger.retried),
        "webhooks answered by their last node": sum(status == 200 for status, _ in ledger.hook_answers.values()),
        "executions stopped": len(ledger.stopped) + ledger.stopped_many,
        "executions deleted": len(ledger.deleted),
        "ended as success": reckoning.ends("success"),
        "ended as error": reckoning.ends("error"),
        "ended as canceled": reckoning.ends("canceled"),
        "ended as crashed": reckoning.ends("crashed"),
        "went on with another claim": reckoning.handed_over(),
        "nodes called from outside": sum(reckoning.far_side.calls.values()),
        "late results dropped": reckoning.total(counters.LATE_RESULTS),
        "leases lapsed": reckoning.total(counters.LEASES_LAPSED),
        "workers started again": sum(deployment.deaths.values()),
        "calls": sum(ledger.answers.values()),
        "calls without an answer": ledger.answers["lost"],
        "calls answered with 503": ledger.answers["503"],
    }
    return figures | {f"fault: {name}": number for name, number in sorted(chaos.done.items())}


def skipped(disk: FullDisk) -> list[str]:
    """What could not be done here."""
    left_out = []
    if not disk.possible:
        left_out.append("a full disk for run data, which takes root to mount one")
    if clocks.library() is None:
        left_out.append(f"the clocks of {WORKERS - 1} workers minutes apart, which takes libfaketime")
    return left_out
