"""What a worker is put together from: each part, and what it is told of the others. Nothing runs yet."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.credentials.known_types import KnownTypes
from app.credentials.vault import Vault
from app.engine.run.computing import compute, count_work
from app.engine.run.memory_shares import MemoryShares
from app.engine.sandbox import Sandbox
from app.outgoing.client import Outgoing
from app.own_types import own_types
from app.packages.definitions import SandboxExpressions
from app.packages.host import Host
from app.packages.store import Store
from app.repository.known_problems import KnownProblems
from app.repository.triggers import answer_now
from app.settings import Settings
from app.signatures import Signer
from app.worker.answers import encode_answer
from app.worker.clock import Clock
from app.worker.credentials import Credentials
from app.worker.data_tables import DataTableStores
from app.worker.database import Database, Pools
from app.worker.held_executions import Held
from app.worker.packages import PackageSync
from app.worker.reach import Reach
from app.worker.registry import Registry
from app.worker.static_data import StaticStores
from app.worker.tracing import Tracing, open_tracing
from app.worker.triggers.contexts import TriggerContexts
from app.worker.wake import Wake

THREADS = "postgresql"
"""How the names of the threads begin that wait for PostgreSQL."""


class Parts:
    """The parts of one worker; `wake` is set when there is something to do.

    `pools` is where it reaches PostgreSQL. Large records of what has ended come after each other there, as does what
    else is large: of neither does anything small have to wait, nor one kind for the other.
    """

    def __init__(self, settings: Settings, pools: Pools, sandbox: Sandbox, wake: Wake) -> None:
        self.sandbox = sandbox
        self._threads = [ThreadPoolExecutor(number, THREADS) for number in (4, 1, 1)]
        usual, large, records = self._threads
        self.database = Database(pools.usual, usual, Database(pools.large, large))
        self.large_records = Database(pools.large, records)
        self.known_problems = KnownProblems()
        self.outgoing = Outgoing(settings.allowed_hosts)
        self.clock = Clock()
        self.shares = MemoryShares(settings.worker_bytes, settings.concurrency + settings.extra_places)
        self.vault = Vault(settings)
        self.credentials = Credentials(
            self.vault,
            self.database,
            self.outgoing,
            self.clock,
            KnownTypes(lambda: self.packages.definitions, SandboxExpressions()),
            known=lambda: self.packages.known.wait(),
        )
        signer = Signer(self.vault.keyring)
        self.tracing: Tracing | None = open_tracing(signer) if settings.traces else None
        reach = Reach(
            settings=settings,
            signer=signer,
            credentials=self.credentials,
            outgoing=self.outgoing,
            database=self.database,
            static_data=StaticStores(self.database),
            data_tables=DataTableStores(self.database, settings.data_tables_bytes),
            shares=self.shares,
            clock=self.clock,
            start_child=lambda *part: self.held.run_child(*part),
            send_answer=self._send_answer,
        )
        self.registry = Registry(settings, pools.usual, self.vault, self.clock)
        self.types = types = own_types(settings)
        store = Store(settings.home)
        self.host = _make_host(settings, store)
        self.packages = PackageSync(
            store,
            self.database,
            types,
            self.host,
            worker_id=lambda: self.held.worker_id,
            wake=wake.set,
        )
        self.held = Held(sandbox, types, reach.ports, self.database, wake, self.tracing, self.shares)
        tell_ended = None if self.tracing is None else self.tracing.send_ended
        self.contexts = TriggerContexts(sandbox, types, reach, self.database, tell_ended)

    @property
    def processes_ended(self) -> int:
        """How many processes of the sandbox and of packages were ended at a limit, or died."""
        return self.sandbox.ended + self.host.ended

    async def _send_answer(self, execution_id: int, answer: dict[str, Any]) -> None:
        """Let a webhook's caller have its answer now, before the workflow has ended."""
        written = await compute(encode_answer, answer, size=count_work([answer]))
        await self.database.send(len(written), answer_now, execution_id, written)

    def leave_threads(self) -> None:
        """Begin nothing more in a thread. One that still waits for a connection is woken when its pool closes."""
        for threads in self._threads:
            threads.shutdown(wait=False, cancel_futures=True)


def _make_host(settings: Settings, store: Store) -> Host:
    return Host(
        store.root,
        processes=settings.package_processes,
        listeners=settings.listeners,
        memory_mb=settings.package_memory_mb,
        shared=settings.package_sharing == "project",
    )
