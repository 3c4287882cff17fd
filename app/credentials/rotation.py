"""Encrypts all credentials anew with the current key, while API and workers go on.

Each batch is a transaction of its own, so that a rotation that was cut short goes on where it was.
"""

from dataclasses import dataclass
from typing import NamedTuple

from app.credentials.errors import CannotDecrypt
from app.credentials.vault import Vault
from app.repository import credentials
from app.repository.connection import Connection
from app.settings import Settings

BATCH = 100


@dataclass(frozen=True, slots=True)
class Rotation:
    """What was done: `key_id` is the key that all are under now, but for those that no key of ours opens."""

    key_id: str
    moved: int
    unreadable: tuple[str, ...]
    made_key: bool


def rotate(connection: Connection, settings: Settings) -> Rotation:
    """Encrypt all credentials with the key that is used now. Takes a connection that commits by itself.

    Where the keys are kept in the home folder and all are under the newest one, a new one is made first. Raises
    OSError when the file can neither be read nor written.
    """
    vault = Vault(settings)
    moved, unreadable = move_all(connection, vault)
    made = not moved and vault.keyring.in_file
    if made:
        # Running processes read the file before they use a key, so they know this one from here on.
        vault.keyring.add()
    # Again, for what was saved meanwhile by a process that had taken up the earlier key already.
    while (step := move_all(connection, vault)).moved:
        moved, unreadable = moved + step.moved, step.unreadable
    return Rotation(vault.keyring.current().id, moved, tuple(unreadable), made)


class RotationResult(NamedTuple):
    """How many credentials were moved, and the ids of those that no key opens."""

    moved: int
    unreadable: list[str]


def move_all(connection: Connection, vault: Vault) -> RotationResult:
    """How many were moved under the current key, and the ids of those that no key of ours opens."""
    moved, after = 0, ""
    unreadable: list[str] = []
    while True:
        with connection.transaction():
            batch = credentials.under_other_keys(connection, vault.keyring.current().id, after=after, limit=BATCH)
            for stored in batch:
                try:
                    secret = vault.reencrypt(stored.secret, stored.id, stored.type)
                except CannotDecrypt:
                    unreadable.append(stored.id)
                    continue
                credentials.reencrypt(connection, stored.id, secret)
                moved += 1
        if len(batch) < BATCH:
            return RotationResult(moved, unreadable)
        after = batch[-1].id
