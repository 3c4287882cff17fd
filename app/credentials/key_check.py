"""Finds a wrong encryption key at the start of a process, which decrypts a stored credential, and not run by run."""

import logging
import threading

import psycopg
from psycopg_pool import ConnectionPool

from app.credentials.errors import CannotDecrypt
from app.credentials.keys import GUESSABLE
from app.credentials.vault import Vault
from app.repository import credentials
from app.repository.connection import Connection, reading

log = logging.getLogger(__name__)


def unreadable(connection: Connection, vault: Vault) -> list[str]:
    """Ids of credentials that no key of ours opens; one is tried for each key in use. Raises OSError."""
    names = []
    for stored in credentials.one_of_each_key(connection):
        try:
            vault.decrypt(stored.secret, stored.id, stored.type)
        except CannotDecrypt:
            names.append(stored.id)
    return names


def report(connection: Connection, vault: Vault) -> None:
    """Log an error when this process has a wrong key, a warning when it has one that could be guessed."""
    try:
        if vault.keyring.is_there() and vault.keyring.current().is_guessable:
            log.warning("the encryption key could be guessed, and should be changed", extra={"reason": GUESSABLE})
        if ids := unreadable(connection, vault):
            log.error("the encryption key of this process is not the one of stored credentials", extra={"ids": ids})
    except OSError as error:
        log.error("the encryption key cannot be read", extra={"reason": str(error)})


def report_soon(pool: ConnectionPool[Connection], vault: Vault) -> None:
    """The same, in a thread of its own, for a process that must not wait for PostgreSQL at its start."""

    def look() -> None:
        try:
            with reading(pool) as connection:
                report(connection, vault)
        except psycopg.Error as error:
            log.warning("the encryption key was not tried", extra={"reason": str(error).strip()})

    threading.Thread(target=look, name="key check", daemon=True).start()
