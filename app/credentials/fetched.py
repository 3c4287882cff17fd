"""What is fetched for a credential before its use, such as a session token: stored with the data that
somebody has entered, until any of that changes. Another encryption key is no such change."""

from typing import Any

import orjson

FETCHED = "n8n_fetched"
"""The field of stored data that has it. Nobody but the vault sees this field."""
MAX_FETCHED_BYTES = 100_000
FETCH_SECONDS = 300.0
"""How long others wait for whoever fetches one: as long as a request of it may take."""


def is_storable(fetched: dict[str, Any]) -> bool:
    """Whether it is small enough to be kept with the credential, and JSON."""
    try:
        return len(orjson.dumps(fetched)) <= MAX_FETCHED_BYTES
    except TypeError:
        return False


def with_fetched(entered: dict[str, Any], fetched: dict[str, Any]) -> dict[str, Any]:
    """The data as they are stored."""
    return {**entered, FETCHED: fetched}


def entered_in(stored: dict[str, Any]) -> dict[str, Any]:
    """What somebody has entered."""
    return {name: value for name, value in stored.items() if name != FETCHED}


def usable_in(stored: dict[str, Any]) -> dict[str, Any]:
    """The same, with what was fetched in its place."""
    fetched = stored.get(FETCHED)
    return {**entered_in(stored), **(fetched if isinstance(fetched, dict) else {})}
