"""How often a key may call: a moving window of one minute for each key, kept by this process alone.

Nothing is shared between processes, on purpose: a limit that asked PostgreSQL would cost every request a round
trip to protect the very thing that it asks.
"""

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limits import RateLimitItemPerMinute
    from limits.strategies import MovingWindowRateLimiter


class KeyRates:
    """What each key has used of its minute. `per_minute` None: no limit, and nothing is counted."""

    def __init__(self, per_minute: int | None) -> None:
        self._limited = None if per_minute is None else _window(per_minute)

    def seconds_to_wait(self, key_id: int) -> int:
        """Count one call of this key; 0 when it may go on, else the seconds until the next one may."""
        if self._limited is None:
            return 0
        window, limit = self._limited
        if window.hit(limit, str(key_id)):
            return 0
        reset_at = window.get_window_stats(limit, str(key_id)).reset_time
        return max(1, math.ceil(reset_at - time.time()))


def _window(per_minute: int) -> "tuple[MovingWindowRateLimiter, RateLimitItemPerMinute]":
    from limits import RateLimitItemPerMinute  # here: most servers limit nobody
    from limits.storage import MemoryStorage
    from limits.strategies import MovingWindowRateLimiter

    return MovingWindowRateLimiter(MemoryStorage()), RateLimitItemPerMinute(per_minute)
