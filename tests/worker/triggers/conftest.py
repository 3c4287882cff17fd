"""Triggers of types written in tests, on workers within this process and over a real database."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from app.engine.nodes.shared.trigger_items import pass_on
from app.engine.run.node_types import NodeType, NodeTypes
from app.engine.run.ports import Ports
from app.engine.sandbox import Sandbox
from app.repository import workers
from app.repository.connection import open_pool
from app.worker.database import Database
from app.worker.triggers.contexts import TriggerContexts
from tests.patience import PATIENCE_SECONDS
from tests.worker.conftest import queue
from tests.workflows import node, stored

__all__ = ["queue"]


@dataclass
class Station:
    """What workers in this process share; each has a registration of its own."""

    contexts: TriggerContexts
    database: Database
    register: Callable[[], int]


@contextmanager
def station(database_url: str, connection, **does) -> Iterator[Station]:
    """`does` is what the one node type that is known there does: `poll`, `listen`."""
    types = NodeTypes()
    types.add(NodeType("test.trigger", (1,), pass_on, trigger=True, **does))
    with open_pool(database_url, size=4, name="test") as pool, ThreadPoolExecutor(4) as threads:
        database = Database(pool, threads)
        reach = SimpleNamespace(trigger_ports=lambda project_id: Ports())
        register = lambda: workers.register(connection, hostname="h", pid=1, concurrency=1)  # noqa: E731
        yield Station(TriggerContexts(Sandbox(spares=0), types, reach, database), database, register)


def triggered(**parameters: object) -> bytes:
    """A workflow that starts at such a trigger."""
    return stored(trigger=node("Start", "test.trigger", parameters))


async def until(look: Callable[[], object]) -> None:
    """Let the loop turn until what is waited for has come."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not look():
            await asyncio.sleep(0.01)


@pytest.fixture
def started(queue) -> Callable[[], list[tuple[str, bytes | None, str | None]]]:
    """The executions so far, oldest first: status, items, message."""
    found = """
        SELECT e.status, i.items, e.error_message
          FROM executions AS e LEFT JOIN execution_inputs AS i ON i.execution_id = e.id
         ORDER BY e.id
    """
    return lambda: queue.connection.execute(found).fetchall()
