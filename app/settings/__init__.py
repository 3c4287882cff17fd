"""The settings of the program, read from variables of the environment."""

from app.settings.settings import Settings
from app.settings.values import DATABASE_URL_FILE, host_and_port

__all__ = ["DATABASE_URL_FILE", "Settings", "host_and_port"]
