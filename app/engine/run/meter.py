"""The memory that a run holds, counted as it grows, and where that ends."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from app.engine.run.errors import NodeError

MAX_BYTES = 256 * 2**20
SETTING = "EXECUTIONS_RUN_BYTES"


class TooMuchData(NodeError):
    """The data of the run would take more memory than it may."""

    def __init__(self, limit: int, message: str | None = None, description: str | None = None) -> None:
        super().__init__(
            message
            or f"The data of this execution takes more memory than it may: {limit / 2**20:,.0f} MiB ({SETTING})",
            description=description or f"Handle less data at once, or set {SETTING} to allow more.",
        )
        self._limit = limit

    def copy(self) -> "TooMuchData":
        """The same, with nothing of what the first one came through."""
        return TooMuchData(self._limit, self.message, self.description)


class WorkersShare(Protocol):
    """What one run holds of the memory of its worker, in which others run, too."""

    @property
    def left(self) -> int:
        """How much more it may hold."""

    def check(self, size: int) -> None:
        """Raises TooMuchData where it may not hold so much more."""

    def take(self, size: int) -> None:
        """Count what it holds from now on, or no longer where `size` is below 0."""

    def end(self) -> None:
        """The run is over."""

    def writing(self, size: int) -> AbstractAsyncContextManager[None]:
        """While this lasts, its record of about `size` bytes is written; waits while others write much."""


@dataclass(slots=True)
class Meter:
    """The bytes that one run holds, and the most that it may.

    A part of a run counts for the run as well, also while other parts are under way.
    """

    limit: int = MAX_BYTES
    used: int = 0
    _whole: "Meter | None" = None
    """What this one is a part of."""
    _parts: int = 0
    """What the parts that are under way hold of their own."""
    _own: int = 0
    """What this one holds beyond what it began with."""
    share: WorkersShare | None = None
    """Counts the same, for the run and all of its parts; None: the run has its memory for itself."""
    refused: TooMuchData | None = None
    """What was said when something was too much last: a node may have taken it for the fault of one of its items.

    It was never raised, so it keeps no frames. Of those that run at once, each has a meter of its own.
    """

    @property
    def room(self) -> int:
        """How much more the run can hold."""
        return max(0, self._left if self.share is None else min(self._left, self.share.left))

    @property
    def _left(self) -> int:
        left = self.limit - self.used - self._parts
        return left if self._whole is None else min(left, self._whole._left)

    def add(self, size: int) -> None:
        """Count what the run holds from now on. Raises TooMuchData, and does not count it, where that is too much."""
        self.check(size)
        self.take(size)

    def take(self, size: int) -> None:
        """The same, however much it is."""
        self.used += size
        self._own += size
        if self.share is not None:
            self.share.take(size)
        if self._whole is not None:
            self._whole._hand_up(size)

    def _hand_up(self, size: int) -> None:
        self._parts += size
        if self._whole is not None:
            self._whole._hand_up(size)

    def begin_part(self, held: int = 0) -> "Meter":
        """The count of a part of the run: it begins with what the run holds, and `held` bytes besides."""
        return Meter(self.limit, self.used + held, self, share=self.share)

    def end_part(self) -> None:
        """The part is over, and nothing of its own is held any more."""
        own = self._own + self._parts
        self.used, self._own, self._parts = self.used - self._own, 0, 0
        if self.share is not None:
            self.share.take(-own)
        if self._whole is not None:
            self._whole._hand_up(-own)

    def join_part(self) -> None:
        """The part is over, and what it holds of its own is held by what it is a part of from now on."""
        whole, own = self._whole, self._own + self._parts
        if whole is not None:
            whole.used, whole._own, whole._parts = whole.used + own, whole._own + own, whole._parts - own
        self._own, self._parts = 0, 0

    def end(self) -> None:
        """The run, of which this is no part, is over."""
        if self.share is not None:
            self.share.end()

    def check(self, size: int, held: int = 0) -> None:
        """Raises TooMuchData where the run cannot hold so much more, and `held` bytes that a node has borrowed."""
        if size + held > self._left:
            raise self.refuse()
        if self.share is not None:
            try:
                self.share.check(size)
            except TooMuchData as error:
                self.refused = error.copy()
                raise

    def refuse(self) -> TooMuchData:
        """The refusal of what is too much, for the caller to raise."""
        self.refused = TooMuchData(self.limit)
        return self.refused.copy()

    def writing(self, size: int) -> AbstractAsyncContextManager[None]:
        """While this lasts, the record of the run, of about `size` bytes, is written; waits for its turn."""
        return nullcontext() if self.share is None else self.share.writing(size)

    def borrow(self, size: int) -> None:
        """Let the worker know of bytes that a node holds until it is through, or gives back: `size` is below 0 then."""
        if self.share is not None:
            self.share.take(size)
