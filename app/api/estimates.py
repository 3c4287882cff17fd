"""Estimated counts are kept for a moment: they are guesses already, and the same list is often asked for again."""

import threading
import time
from collections import OrderedDict

from app.repository.execution_counts import Count
from app.repository.execution_filters import ExecutionFilter

KEPT_SECONDS = 2.0
KEPT_FILTERS = 256


class EstimateCache:
    """Estimates by filter. Exact counts never enter it: they are exact for each answer anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[ExecutionFilter, tuple[float, Count]] = OrderedDict()

    def get(self, wanted: ExecutionFilter) -> Count | None:
        """What was estimated for this filter within the last two seconds."""
        with self._lock:
            until, count = self._kept.get(wanted, (0.0, None))
        return count if time.monotonic() < until else None

    def keep(self, wanted: ExecutionFilter, count: Count) -> None:
        """Remember an estimate; an exact count is passed over, and so is one that came from here."""
        with self._lock:
            kept = self._kept.get(wanted)
            if not count.estimated or (kept is not None and kept[1] is count):
                return
            self._kept[wanted] = (time.monotonic() + KEPT_SECONDS, count)
            self._kept.move_to_end(wanted)
            if len(self._kept) > KEPT_FILTERS:
                self._kept.popitem(last=False)
