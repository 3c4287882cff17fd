"""The API keys that were shown to this process lately, so that most requests need not ask PostgreSQL for theirs."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Lock

from psycopg_pool import ConnectionPool

from app.bounded_dict import BoundedDict
from app.repository.api_keys import ApiKey, add_standing_key, digest, find_api_key, note_use
from app.repository.connection import Connection, transaction

CACHE_SECONDS = 5.0
CACHE_UNKNOWN_SECONDS = 1.0
NOTE_EVERY_SECONDS = 60.0
MAX_CACHE_ENTRIES = 1_024
OWN_ID = 0
"""Of a key that is stored nowhere; those that are have ids from 1 on."""


class ApiKeyCache:
    """What this process knows about the keys that were shown to it lately, by their SHA-256.

    Unknown keys have a cache of their own and stay there more briefly, so that guessing costs the database little
    and the others nothing. The `standing` key is the one that the environment names: it is stored when it is first
    shown.
    """

    def __init__(
        self,
        pool: ConnectionPool[Connection],
        *,
        clock: Callable[[], float] = time.monotonic,
        most: int = MAX_CACHE_ENTRIES,
        standing: str | None = None,
    ) -> None:
        self._standing = None if standing is None else digest(standing)
        self._pool = pool
        self._clock = clock
        self._lock = Lock()
        self._known: BoundedDict[bytes, tuple[float, ApiKey]] = BoundedDict(most)
        self._unknown: BoundedDict[bytes, float] = BoundedDict(most)
        self._next_note: BoundedDict[int, float] = BoundedDict(most)
        self._own: dict[bytes, ApiKey] = {}

    def admit(self, key: str, *, label: str, scopes: Sequence[str]) -> None:
        """Take a key that is stored nowhere: it is this process's own, and gone with it however that ends."""
        now = datetime.now(UTC)
        self._own[digest(key)] = ApiKey(OWN_ID, label, tuple(scopes), None, now, None, None, None, None)

    def find(self, key: str) -> ApiKey | None:
        """The valid key that this text is, None when it is none."""
        fingerprint, now = digest(key), self._clock()
        if (own := self._own.get(fingerprint)) is not None:
            return own
        with self._lock:
            known = self._known.get(fingerprint)
            if known is not None and now < known[0]:
                return unless_expired(known[1])
            if now < self._unknown.get(fingerprint, 0.0):
                return None
        with transaction(self._pool) as connection:
            if fingerprint == self._standing:
                add_standing_key(connection, key)
            api_key = find_api_key(connection, key)
            if api_key is not None and self._note_is_due(api_key.id, now):
                note_use(connection, api_key.id)
        with self._lock:
            if api_key is None:
                self._known.pop(fingerprint, None)
                self._unknown[fingerprint] = now + CACHE_UNKNOWN_SECONDS
            else:
                self._known[fingerprint] = (now + CACHE_SECONDS, api_key)
        return api_key

    def _note_is_due(self, key_id: int, now: float) -> bool:
        with self._lock:
            if now < self._next_note.get(key_id, now):
                return False
            self._next_note[key_id] = now + NOTE_EVERY_SECONDS
            return True


def unless_expired(api_key: ApiKey) -> ApiKey | None:
    """The key, unless it has expired since it was read."""
    return None if api_key.expires_at is not None and api_key.expires_at <= datetime.now(UTC) else api_key
