"""One phase with a hostile neighbour: both projects do what they do for a while, and what Beta noticed is counted.

Nothing is killed or cut off meanwhile: what is late is late because of Alpha, or because of the machine. How late
and how slow that is says a probe beside it all, and a miss is what that does not account for.
"""

import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from app.processes import Child
from app.repository import counters
from tests.soak.deployment import CLOCKS, Deployment
from tests.soak.neighbours.alpha import Alpha
from tests.soak.neighbours.beta import Beta
from tests.soak.neighbours.lateness import Lateness
from tests.soak.neighbours.marks import Life, Marks
from tests.soak.neighbours.projects import enter
from tests.soak.outcome import Outcome

START_SECONDS = 2.0
STOP_SECONDS = 1.0
WORKERS = 2
SETTINGS = {"EXECUTIONS_HEARTBEAT_SECONDS": 5.0, "EXECUTIONS_LEASE_SECONDS": 30.0}
"""As they are where nobody sets them: a lease that lapses here lapses for an operator."""
CALM_SECONDS = 60.0
READY = "SELECT count(*) FROM workers WHERE stopped_at IS NULL"
OF_BETA = "SELECT 1 FROM executions WHERE project_id = 'beta' AND status IN ('new', 'running') LIMIT 1"


def neighbours(seconds: float, seed: int, *, home: Path | None = None, shifts: Sequence[int] = CLOCKS) -> Outcome:
    """Let Alpha and Beta work beside each other for so long, on a deployment of their own."""
    folder = home or Path(tempfile.mkdtemp(prefix="neighbours-"))
    deployment = Deployment(folder, workers=WORKERS, shifts=shifts, **SETTINGS)
    log = folder / "lateness"
    probe = Child("probe", [sys.executable, "-m", "tests.soak.neighbours.lateness"], log)
    try:
        ready = deployment.until(lambda c: c.execute(READY).fetchone() == (WORKERS,), CALM_SECONDS)
        assert ready, "the workers do not register"
        return _beside_each_other(deployment, log, seconds, seed)
    finally:
        probe.stop()
        deployment.close()
        if home is None:
            shutil.rmtree(folder, ignore_errors=True)


def _beside_each_other(deployment: Deployment, log: Path, seconds: float, seed: int) -> Outcome:
    with deployment.connect() as connection:
        marks = Marks(connection)
        alpha = Alpha(enter(connection, deployment.api, "alpha"))
        beta = Beta(enter(connection, deployment.api, "beta"), marks, random.Random(f"{seed} beta"))
        alpha.start()
        beta.start()
        time.sleep(seconds)
        beta.over.set()
        beta.join()
        calm = deployment.until(lambda c: c.execute(OF_BETA).fetchone() is None, CALM_SECONDS)
        alpha.over.set()
        reckoning = Reckoning(marks.lives("beta"), beta.names, Lateness.read(log), marks.now())
        lapsed = sum(each.value for each in counters.totals(connection) if each.name == counters.LEASES_LAPSED)
    lost = Counter(deployment.deaths) + Counter({"lease lapsed": round(lapsed)})
    violations = [
        *beta.problems,
        *reckoning.violations(),
        *(f"a worker was lost {number} times: {how}" for how, number in lost.items()),
        *(f"{life.id} is {life.status} in the end" for life in reckoning.lives if not calm and life.stopped is None),
    ]
    figures = {f"Alpha: {name}": number for name, number in sorted(alpha.done.items())}
    figures |= {f"Beta: {name}": number for name, number in sorted(beta.done.items())}
    figures |= reckoning.figures() | {"workers lost": sum(lost.values()), "violations": len(violations)}
    return Outcome(figures, violations, [], reckoning.misses())


class Reckoning:
    """What became of Beta's executions; those that had not come to their end by `now` count as late by then."""

    def __init__(self, lives: list[Life], names: dict[str, str], lateness: Lateness, now: datetime) -> None:
        self.lives = lives
        self._names = names
        self._lateness = lateness
        self._now = now

    def violations(self) -> list[str]:
        """What is wrong whatever the machine does."""
        return [
            f"{self._name(life)} ended as {life.status}{' though it was to be stopped' if life.asked else ''}"
            for life in self.lives
            if life.stopped and life.status != ("canceled" if life.asked else "success")
        ]

    def misses(self) -> list[str]:
        """What was late by more than the machine."""
        starts = [("started", self._name(life), begin, end, START_SECONDS) for life, begin, end in self._starts()]
        stops = [("stopped", self._name(life), begin, end, STOP_SECONDS) for life, begin, end in self._stops()]
        found = []
        for what, name, begin, end, allowed in starts + stops:
            took, (late, slow) = (end - begin).total_seconds(), self._lateness.between(begin, end)
            if took > allowed * slow + late:
                machine = f"a timer was late by {late:.2f} s and computing took {slow:.1f} times as long"
                found.append(f"{name} was {what} after {took:.2f} s, while {machine}")
        return found

    def _name(self, life: Life) -> str:
        return f"{self._names[life.workflow_id]} ({life.id})"

    def _starts(self) -> list[tuple[Life, datetime, datetime]]:
        return [(life, life.created, life.started or self._now) for life in self.lives]

    def _stops(self) -> list[tuple[Life, datetime, datetime]]:
        """From the call to the moment at which it was stopped and its worker had let go of it."""
        ends = [(life, (life.let_go or self._now) if life.held else life.stopped) for life in self.lives]
        return [(life, life.asked, end or self._now) for life, end in ends if life.asked]

    def figures(self) -> dict[str, int]:
        """How many there were, how long the longest took, and how late the machine was by itself."""

        def longest(spans: list[tuple[Life, datetime, datetime]]) -> int:
            return max((round((end - begin).total_seconds() * 1000) for _, begin, end in spans), default=0)

        ended = Counter(life.status for life in self.lives)
        return {
            "Beta's that succeeded": ended["success"],
            "Beta's that were stopped": ended["canceled"],
            "latest start, ms": longest(self._starts()),
            "latest stop, ms": longest(self._stops()),
            "latest timer of the machine, ms": round(self._lateness.greatest * 1000),
            "slowness of the machine, %": round(self._lateness.slowness * 100),
            "started or stopped too late": len(self.misses()),
        }
