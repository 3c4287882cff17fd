"""A worker's heartbeat: renews its lease, finds stops that no hint told of, and reaps what lost workers held.

It has a thread and a connection of its own, so that it goes on whatever the worker's loop and other threads do.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from psycopg_pool import ConnectionPool

from app.repository import counters, lifecycle, workers
from app.repository.connection import UNREACHABLE, Connection, transaction
from app.repository.lifecycle import Claim
from app.settings import Settings
from app.worker.clock import Clock
from app.worker.tracing import TellEnded

log = logging.getLogger(__name__)

STOP_CHECK_SECONDS = 0.5
STANDSTILL_SECONDS = 30.0  # so long after a node should have been ended, a loop that stands still counts as dead


class Beat:
    """Called every `interval` seconds; what is due at that moment is done in one transaction, if anything is."""

    def __init__(
        self,
        settings: Settings,
        pool: ConnectionPool[Connection],
        worker_id: int,
        clock: Clock,
        tell_ended: TellEnded | None = None,
    ) -> None:
        """`tell_ended` is told of what was reaped."""
        self._tell_ended = tell_ended
        self._settings = settings
        self._pool = pool
        self._worker_id = worker_id
        self._clock = clock
        self._last_beat = self._tried_at = time.monotonic()
        self._beats_in_a_row = 1
        self._latencies: list[float] = []
        self._late_results_counted = 0
        self.interval = min(STOP_CHECK_SECONDS, settings.heartbeat_seconds)
        self.late_results = 0
        self.sandbox_kills = 0
        self._sandbox_kills_counted = 0
        self._given_up = False

    @property
    def lost(self) -> bool:
        """Whether the lease has lapsed, also while PostgreSQL says nothing at all: others may have given up by now."""
        return self._given_up or self.seconds_left == 0.0

    @property
    def seconds_left(self) -> float:
        """Until the lease lapses unless there is another beat."""
        return max(0.0, self._settings.lease_seconds - (time.monotonic() - self._last_beat))

    @property
    def tries(self) -> bool:
        """Whether it goes on trying, whatever PostgreSQL says to it."""
        return time.monotonic() - self._tried_at < self._settings.lease_seconds + STANDSTILL_SECONDS

    @property
    def reaches_database(self) -> bool:
        """Whether PostgreSQL answered the last time."""
        return self._beats_in_a_row > 0

    def claimed(self, claim: Claim) -> None:
        """Note how long an execution had been queued, for the next beat to count."""
        if claim.waited_seconds is not None:
            self._latencies.append(claim.waited_seconds)

    def __call__(self, held: Sequence[int]) -> set[int]:
        """Returns those of the `held` executions that are no longer this worker's and must be aborted.

        `lost` says afterwards whether the lease has lapsed. Raises psycopg.OperationalError when PostgreSQL cannot be
        reached.
        """
        now = self._tried_at = time.monotonic()
        if now - self._last_beat > self._settings.lease_seconds:
            # Silent for longer than the lease, and so given up by others whatever PostgreSQL says next.
            self._given_up = True
            return set()
        beat_due = now - self._last_beat >= self._settings.heartbeat_seconds
        try:
            gone = self._transact(held, beat_due=beat_due) if beat_due or held or self._has_counted else set()
            if beat_due:
                if self.lost:
                    # PostgreSQL took its time; what runs here has been stopped because of that.
                    self._given_up = True
                    return set()
                self._last_beat = now
                self._beats_in_a_row += 1
            self._reap()
        except Exception:
            self._beats_in_a_row = 0
            raise
        return gone

    @property
    def _has_counted(self) -> bool:
        """Whether something is counted that PostgreSQL does not know of yet."""
        counted = (self._late_results_counted, self._sandbox_kills_counted)
        return bool(self._latencies) or (self.late_results, self.sandbox_kills) != counted

    def _transact(self, held: Sequence[int], *, beat_due: bool) -> set[int]:
        """Beat if that is due, hand in what was counted, and ask which of the `held` executions are gone."""
        with transaction(self._pool) as connection:
            if beat_due:
                if not workers.heartbeat(connection, self._worker_id):
                    self._given_up = True
                    return set()
                self._clock.read(connection)
            gone = lifecycle.no_longer_held(connection, self._worker_id, held) if held else set()
            latencies, late_results, kills = list(self._latencies), self.late_results, self.sandbox_kills
            counters.observe_claim_latency(connection, self._worker_id, latencies)
            self._add(connection, counters.LATE_RESULTS, late_results - self._late_results_counted)
            self._add(connection, counters.SANDBOX_KILLS, kills - self._sandbox_kills_counted)
        # Forgotten once it is committed; what the loop's thread has added meanwhile is for the next beat.
        del self._latencies[: len(latencies)]
        self._late_results_counted, self._sandbox_kills_counted = late_results, kills
        return gone

    def _add(self, connection: Connection, name: str, number: int) -> None:
        if number:
            counters.add(connection, self._worker_id, name, number)

    def _reap(self) -> None:
        """Give up what lost workers held.

        After an outage of PostgreSQL the living beat again first: nobody reaps before its own second beat.
        """
        if self._beats_in_a_row < 2:
            return
        with transaction(self._pool) as connection:
            settings = self._settings
            crashed = lifecycle.reap(connection, lease_seconds=settings.lease_seconds, address=settings.webhook_url)
        if crashed and self._tell_ended is not None:
            with transaction(self._pool) as connection:
                self._tell_ended(connection, crashed)
        for execution_id in crashed:
            log.error("execution crashed: its worker was lost", extra={"execution": execution_id})


class BeatThread:
    """Calls a beat at its interval, until it is ended or the lease is lost."""

    def __init__(
        self,
        beat: Beat,
        *,
        held: Callable[[], list[int]],
        abort: Callable[[int], None],
        loop_turns: Callable[[], bool],
    ) -> None:
        """All three are called in the beat's thread: `held` tells what runs, `abort` stops one, and `loop_turns`
        whether the worker still does anything at all: a worker that is dead but for its beat must be found out.
        """
        self._beat = beat
        self._held = held
        self._abort = abort
        self._loop_turns = loop_turns
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)

    def start(self) -> None:
        """Begin to beat; once."""
        self._thread.start()

    def end(self) -> None:
        """Beat no more. Does not wait for a beat that PostgreSQL leaves without an answer."""
        self._ending.set()

    def _run(self) -> None:
        while not (self._ending.is_set() or self._beat.lost):
            if self._loop_turns():
                try:
                    for execution_id in self._beat(self._held()):
                        self._abort(execution_id)
                except UNREACHABLE as error:
                    log.warning("no heartbeat for now", extra={"reason": str(error).strip()})
                except Exception:
                    log.exception("heartbeat failed")
            else:
                log.error("no heartbeat: the worker's loop stands still")
            self._ending.wait(self._beat.interval)
