"""Counts are cached to spare counting: an estimate for a moment, an exact one for as long as nothing changes.

Whether anything has changed PostgreSQL itself says, by the snapshot that stands in the count.
"""

import threading
import time

from app.bounded_dict import BoundedDict
from app.repository.execution_counts import Count
from app.repository.execution_filters import ExecutionFilter

ESTIMATE_SECONDS = 2.0
MAX_CACHE_ENTRIES = 256


class CountCache:
    """Counts by filter, the most recently used ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: BoundedDict[ExecutionFilter, tuple[float, Count]] = BoundedDict(MAX_CACHE_ENTRIES)

    def get(self, wanted: ExecutionFilter) -> Count | None:
        """What is known for this filter: an exact count to be checked, or an estimate of the last two seconds."""
        with self._lock:
            cached = self._counts.get(wanted)
        if cached is None:
            return None
        at, count = cached
        return None if count.estimated and time.monotonic() - at > ESTIMATE_SECONDS else count

    def put(self, wanted: ExecutionFilter, count: Count) -> None:
        """Remember a count; one that came from here keeps its age."""
        with self._lock:
            cached = self._counts.get(wanted)
            age_known = cached is not None and cached[1] is count
            self._counts[wanted] = cached if cached and age_known else (time.monotonic(), count)
