"""Who calls, and whether they may: API keys, cached for a few seconds, and the scope of each endpoint."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import TypeVar, cast

from flask import Flask, current_app, g, request

from app.api.face.errors import Refused
from app.api.face.services import database, services
from app.repository.api_keys import ApiKey, digest, find_api_key, note_use

K = TypeVar("K")
V = TypeVar("V")

HEADER = "X-N8N-API-KEY"
LONGEST_KEY = 1_024
KEEP_SECONDS = 5.0
KEEP_UNKNOWN_SECONDS = 1.0
NOTE_EVERY_SECONDS = 60.0
MOST_KEPT = 1_024


class ApiKeyCache:
    """What this process knows about the keys that were shown to it lately, by their SHA-256.

    Unknown keys are kept apart and more briefly, so that guessing costs the database little and the others nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._known: OrderedDict[bytes, tuple[float, ApiKey]] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._noted: OrderedDict[int, float] = OrderedDict()

    def find(self, key: str) -> ApiKey | None:
        """The valid key that this text is, None when it is none."""
        fingerprint, now = digest(key), self._clock()
        with self._lock:
            kept = self._known.get(fingerprint)
            if kept is not None and now < kept[0]:
                return valid(kept[1])
            if now < self._unknown.get(fingerprint, 0.0):
                return None
        with database() as connection:
            found = find_api_key(connection, key)
            if found is not None and self._note_is_due(found.id, now):
                note_use(connection, found.id)
        with self._lock:
            if found is None:
                self._known.pop(fingerprint, None)
                keep(self._unknown, fingerprint, now + KEEP_UNKNOWN_SECONDS)
            else:
                keep(self._known, fingerprint, (now + KEEP_SECONDS, found))
        return found

    def _note_is_due(self, key_id: int, now: float) -> bool:
        with self._lock:
            if now < self._noted.get(key_id, now):
                return False
            keep(self._noted, key_id, now + NOTE_EVERY_SECONDS)
            return True


def keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    """Add to a cache, and let go of the oldest when it is full."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > MOST_KEPT:
        kept.popitem(last=False)


def valid(api_key: ApiKey) -> ApiKey | None:
    """The key, unless it has expired since it was read."""
    return None if api_key.expires_at is not None and api_key.expires_at <= datetime.now(UTC) else api_key


def authorize() -> None:
    """Refuse a request whose key is missing, invalid, or lacks the endpoint's scope; public endpoints take any."""
    if request.endpoint is None:
        return
    view = current_app.view_functions[request.endpoint]
    if getattr(view, "public", False):
        return
    text = request.headers.get(HEADER, "")
    api_key = services().api_keys.find(text) if 0 < len(text) <= LONGEST_KEY else None
    if api_key is None:
        raise Refused(401, "Unauthorized")
    g.api_key = api_key
    seconds = services().rates.seconds_to_wait(api_key.id)
    if seconds:
        raise Refused(429, "Too many requests with this API key", {"Retry-After": str(seconds)})
    scope = getattr(view, "scope", None)
    if scope is None or not allows(api_key, scope):
        raise Refused(403, "Forbidden")


def allows(api_key: ApiKey, scope: str) -> bool:
    """Whether the key has this scope, by its name, as one of its resource (`tag:*`), or as one of all (`*`)."""
    return not {scope, f"{scope.split(':')[0]}:*", "*"}.isdisjoint(api_key.scopes)


def caller() -> ApiKey:
    """The key of the present request."""
    return cast(ApiKey, g.api_key)


def require_all_projects() -> None:
    """Refuse a key that is limited to a project, where something concerns them all."""
    if caller().project_id is not None:
        raise Refused(403, "Forbidden")


def endpoint_scopes(app: Flask) -> dict[tuple[str, str], str | None]:
    """The scope of each endpoint by method and path, None for those that need no key.

    Raises KeyError for an endpoint that is neither public nor declares a scope.
    """
    table: dict[tuple[str, str], str | None] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            table[method, rule.rule] = None if getattr(view, "public", False) else vars(view)["scope"]
    return table
