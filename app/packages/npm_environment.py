"""The environment in which npm runs."""

import os
from collections.abc import Mapping
from pathlib import Path

SECRET = ("EXECUTIONS_", "DATABASE_", "PG")
"""How variables begin that npm must not see."""


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """What npm may see of the environment: all but what is this program's and its database's."""
    return {name: value for name, value in environ.items() if not name.startswith(SECRET)}


def has_cache(environ: Mapping[str, str]) -> bool:
    """Whether npm can keep what it has fetched where this user's npm does: a service often has no home to write to."""
    if any(name.lower() == "npm_config_cache" for name in environ):
        return True
    folder = Path(environ.get("HOME") or "/nonexistent") / ".npm"
    return os.access(folder if folder.exists() else folder.parent, os.W_OK | os.X_OK)
