"""Renews tokens: who may do it, and what is stored of it. Each function is one short transaction; between them the
provider answers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.credentials.oauth_errors import ProviderRefused
from app.credentials.provider import SECONDS
from app.credentials.tokens import (
    FIELD,
    MAX_REFUSAL_LENGTH,
    REFUSED,
    access_token,
    belong_together,
    merge,
    refresh_token,
    tokens_in,
)
from app.credentials.vault import Vault
from app.repository import oauth
from app.repository.connection import Connection

INTERRUPTED = "Its last renewal was interrupted, and what the provider gave then may be lost."
LEASE_SECONDS = 3 * SECONDS
"""How long others leave a renewal alone: it is waited for SECONDS only, so that they never meet; what may take longer
extends it."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """A renewal that one holder alone may carry out: what the credential held when it began.

    `interrupted`: the one before has not ended, so that a provider may have given tokens that were not stored.
    """

    credential_id: str
    kind: str
    holder: UUID
    held: dict[str, Any]
    held_at: datetime
    interrupted: bool = False


def hold(
    connection: Connection, vault: Vault, project_id: str, credential_id: str, kind: str, holder: UUID
) -> Renewal | None:
    """Begin a renewal; None: another holder is at it. Raises CannotDecrypt, OSError."""
    renewal = oauth.hold_renewal(connection, project_id, credential_id, kind, holder=holder, seconds=LEASE_SECONDS)
    if renewal is None:
        return None
    held = vault.decrypt(renewal.secret, credential_id, kind)
    return Renewal(credential_id, kind, holder, held, renewal.held_at, renewal.interrupted)


def keep(
    connection: Connection, vault: Vault, renewal: Renewal, identity: Iterable[str] | None, answered: Mapping[str, Any]
) -> None:
    """Store the tokens of the provider's answer and end the renewal. `identity`: what tokens of its type belong to.

    Nothing is stored when somebody has changed, connected or renewed the credential meanwhile. A lease that has gone to
    another is no hindrance: what that one spends may be worth nothing any more. Where nothing is stored, it stays.
    """
    _change(connection, vault, renewal, identity, lambda held: merge(held, answered, renewal.held_at))


def keep_refusal(
    connection: Connection, vault: Vault, renewal: Renewal, identity: Iterable[str] | None, said: str
) -> None:
    """Store that the provider has refused for good, and end the renewal; under the same conditions as tokens."""
    _change(connection, vault, renewal, identity, lambda held: {**held, REFUSED: said[:MAX_REFUSAL_LENGTH]})


def why_for_good(renewal: Renewal, error: ProviderRefused) -> str | None:
    """Why nothing but a new consent helps after this refusal; None: it may help to ask again.

    A refresh token that was spent, and whose successor was lost, is refused by each provider in its own words.
    """
    held = tokens_in(renewal.held)
    if refresh_token(held) and (error.for_good or error.may_be_of_tokens):
        kept = held.get(REFUSED)
        if isinstance(kept, str) and kept.startswith(INTERRUPTED):
            return kept
        if renewal.interrupted:
            return f"{INTERRUPTED} {error}"
    return str(error) if error.for_good else None


def _change(
    connection: Connection,
    vault: Vault,
    renewal: Renewal,
    identity: Iterable[str] | None,
    change: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    secret = oauth.lock_secret(connection, renewal.credential_id, renewal.kind)
    if secret is None:
        return
    now_held = vault.decrypt(secret, renewal.credential_id, renewal.kind)
    began_with, now_with = tokens_in(renewal.held), tokens_in(now_held)
    belong = belong_together(renewal.held, now_held, identity)
    if access_token(began_with) != access_token(now_with) or not belong:
        oauth.release_renewal(connection, renewal.credential_id, renewal.holder)
        return
    now_held[FIELD] = change(now_with)
    oauth.keep_renewed(connection, renewal.credential_id, vault.encrypt(renewal.credential_id, renewal.kind, now_held))


def keep_fetched(connection: Connection, vault: Vault, renewal: Renewal, fetched: dict[str, Any]) -> bool:
    """Store what a package's code has fetched before the credential's use, and end the renewal; whether it is stored.

    Nothing is stored when somebody has changed the credential meanwhile, or another one has begun to fetch: what that
    one gets is newer, and a service may let only the newest be used.
    """
    secret = oauth.lock_secret(connection, renewal.credential_id, renewal.kind)
    if secret is None:
        return False
    if vault.decrypt(secret, renewal.credential_id, renewal.kind) != renewal.held:
        oauth.release_renewal(connection, renewal.credential_id, renewal.holder)
        return False
    made = vault.encrypt(renewal.credential_id, renewal.kind, renewal.held, fetched)
    return oauth.keep_fetched(connection, renewal.credential_id, renewal.holder, made)


def extend(connection: Connection, renewal: Renewal) -> bool:
    """Whether its holder still has it, and for another LEASE_SECONDS."""
    return oauth.extend_renewal(connection, renewal.credential_id, renewal.holder, seconds=LEASE_SECONDS)


def give_up(connection: Connection, renewal: Renewal) -> None:
    """End a renewal that came to nothing."""
    oauth.release_renewal(connection, renewal.credential_id, renewal.holder)
