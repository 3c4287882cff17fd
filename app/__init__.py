"""The Executions API: Flask answers, PostgreSQL remembers and coordinates, workers run workflows."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.settings import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The web application. Raises SettingsError when the environment, read for None, holds none that can be used."""
    # Imported here because workers and commands need none of it, and because gunicorn.conf.py must say where
    # measurements are kept before prometheus_client is imported.
    from app.settings import Settings
    from app.web import build

    return build(settings or Settings.from_environment(os.environ))
