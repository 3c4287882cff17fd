"""Links that sign in to the console, once."""

import secrets

from app.repository.api_keys import find_api_key, list_api_keys
from app.repository.connection import Connection
from app.repository.console_sessions import create_link
from app.repository.errors import ApiKeyNotFound


def new_link(connection: Connection, address: str, key: str) -> str:
    """A link that signs in with this key. Raises ApiKeyNotFound for one that is no valid key."""
    api_key = find_api_key(connection, key)
    if api_key is None:
        raise ApiKeyNotFound
    return link_for(connection, address, api_key.id)


def link_for(connection: Connection, address: str, api_key_id: int) -> str:
    """A link that signs in with the key of this id. `address` is where the server is reached.

    Raises ApiKeyNotFound for one that is not there, or revoked.
    """
    if not any(key.id == api_key_id and key.revoked_at is None for key in list_api_keys(connection)):
        raise ApiKeyNotFound
    token = secrets.token_urlsafe(32)
    create_link(connection, token, api_key_id)
    return f"{address}/console/sign-in?link={token}"
