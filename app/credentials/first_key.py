"""Refuses a key that could be guessed while a database is new; one that has been in use goes on, and is warned of."""

from app.credentials.keys import GUESSABLE, Key
from app.environment import SettingsError
from app.migrations import is_new
from app.repository.connection import connect
from app.settings import Settings


def refuse_guessable(settings: Settings) -> None:
    """To be called before migrations. Raises SettingsError, psycopg.Error."""
    if settings.encryption_key is None or not Key.of(settings.encryption_key).is_guessable:
        return
    with connect(settings.direct_url) as connection:
        if is_new(connection):
            raise SettingsError(
                f"EXECUTIONS_ENCRYPTION_KEY could be guessed, as it is {GUESSABLE}: take what `openssl rand -hex 32` "
                "prints, and keep a copy of it"
            )
