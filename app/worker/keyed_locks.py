"""Locks by a key, for what takes turns on one worker: each is there for as long as somebody has it."""

import asyncio
from weakref import WeakValueDictionary


class KeyedLocks:
    """A lock is made when it is asked for, which for most keys never happens."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def get(self, key: str) -> asyncio.Lock:
        """The lock of this key: the same one for as long as somebody has it."""
        lock = self._locks.get(key) or asyncio.Lock()
        self._locks[key] = lock
        return lock
