"""The processes that serve owners: what kinds there are, and whose each one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.engine.sandbox.interpreter import Interpreter
from app.engine.sandbox.process import Launch
from app.engine.sandbox.requests import ProcessTraits

Key = tuple[str, str]
"""A kind of process, and whose it is."""


@dataclass(frozen=True, slots=True)
class ProcessKind:
    """A kind of processes: how one is started and works, how many an owner may have, and how many are kept warm.

    `replaced`: one that takes no more requests has another in its place already while its own still go on.
    """

    launch: Callable[[], Launch]
    traits: ProcessTraits
    heap_bytes: int
    most: int = 1
    spares: int = 0
    replaced: bool = False


@dataclass(eq=False, slots=True)
class Lane:
    """A process of one owner."""

    key: Key
    interpreter: Interpreter
    opened_at: float
    used_at: float
