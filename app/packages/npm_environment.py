"""The environment in which npm runs."""

import os
from collections.abc import Mapping
from pathlib import Path

SECRET = ("EXECUTIONS_", "DATABASE_", "PG")
"""How variables begin that npm must not see."""
RETRIES = {
    "npm_config_fetch_retries": "5",
    "npm_config_fetch_retry_factor": "2",
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "10000",
}
"""How npm tries a request again that fails: five times in 25 seconds (by itself it would wait 10 seconds, then 60)."""


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """What npm may see of the environment: all but what is this program's and its database's."""
    return {name: value for name, value in environ.items() if not name.startswith(SECRET)}


def with_retries(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with RETRIES, but for what it says of them itself."""
    named = {name.lower() for name in environ}
    return {**environ, **{name: value for name, value in RETRIES.items() if name not in named}}


def has_cache(environ: Mapping[str, str]) -> bool:
    """Whether npm can keep what it has fetched where this user's npm does: a service often has no home to write to."""
    if any(name.lower() == "npm_config_cache" for name in environ):
        return True
    folder = Path(environ.get("HOME") or "/nonexistent") / ".npm"
    return os.access(folder if folder.exists() else folder.parent, os.W_OK | os.X_OK)
