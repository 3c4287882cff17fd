"""What is told of a run, for spans to be made from, and how many of them have arrived."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Attribute = str | int | float | bool | None
"""None is left out."""
Attributes = Mapping[str, Attribute]


@dataclass(frozen=True, slots=True)
class TracePlace:
    """Where an execution stands in its trace: below which execution, and what all of that began with.

    `root_id` is the execution that nobody's execution has started, `traceparent` what its caller had sent.
    """

    execution_id: int
    root_id: int
    parent_id: int | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class SpanError:
    """How something failed: the error's name, and what it says, which holds no secrets any more."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class NodeSpan:
    """A run of a node. `started_ms` since 1970."""

    started_ms: int
    milliseconds: int
    attributes: Attributes
    error: SpanError | None = None


@dataclass(frozen=True, slots=True)
class ExecutionSpan:
    """An execution, from when a worker began with it to its end or its next wait. Times are milliseconds since 1970.

    `resumed`: it had waited. `failed`: it has ended badly. `retried` is what it is a retry of.
    """

    place: TracePlace
    started_ms: int
    ended_ms: int
    attributes: Attributes
    failed: bool = False
    error: SpanError | None = None
    resumed: bool = False
    retried: TracePlace | None = None
    nodes: Sequence[NodeSpan] = field(default_factory=tuple)


class RequestSpan(Protocol):
    """A request that is being answered."""

    traceparent: str
    """What it starts stands below it by this."""

    def end(self, route: str | None, status: int, attributes: Attributes) -> None:
        """It is answered with this status. `route` is the pattern of its path, None where there is none."""


class RequestSpans(Protocol):
    """Where requests are told of."""

    def begin(self, method: str, traceparent: str | None) -> RequestSpan:
        """One has come, from a caller who sees it in this place."""


def tell_nobody(result: str, number: int) -> None:
    """Take what spans were counted, where nobody wants to hear of them."""


@dataclass(slots=True)
class SpanCounts:
    """How many spans the collector has taken, how many were lost, and how many are on their way.

    `tell` hears of them as they are counted, as `sent` or `lost`, in any thread.
    """

    tell: Callable[[str, int], None] = tell_nobody
    sent: int = 0
    lost: int = 0
    waiting: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, most: int) -> bool:
        """Count one more on its way; False, and one more lost, where there are so many already."""
        with self._lock:
            entered = self.waiting < most
            if entered:
                self.waiting += 1
            else:
                self.lost += 1
        if not entered:
            self.tell("lost", 1)
        return entered

    def leave(self, number: int, *, arrived: bool) -> None:
        """So many are on their way no longer."""
        with self._lock:
            self.waiting -= number
            if arrived:
                self.sent += number
            else:
                self.lost += number
        self.tell("sent" if arrived else "lost", number)
