"""Consents under way and renewals of tokens: what makes each happen once, whoever else tries."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from app.repository.connection import Connection, scalar
from app.repository.credentials import Secret

START_CONSENT = """
    INSERT INTO oauth_consents AS o
           (credential_id, project_id, state_sha256, sealed, expires_at, api_key_id, session_sha256)
    VALUES (%(credential_id)s, %(project_id)s, %(state_sha256)s, %(sealed)s, now() + make_interval(secs => %(seconds)s),
            %(api_key_id)s, %(session_sha256)s)
    ON CONFLICT (credential_id) DO UPDATE
       SET project_id = excluded.project_id, state_sha256 = excluded.state_sha256, sealed = excluded.sealed,
           expires_at = excluded.expires_at, api_key_id = excluded.api_key_id,
           session_sha256 = excluded.session_sha256
"""

# Of two callbacks with the same state one takes it. What has moved to another project meanwhile gets no tokens. A
# consent that a session has begun ends in that session; one that a key has begun ends in a browser without a session,
# or in one of the same key.
TAKE_CONSENT = """
    DELETE FROM oauth_consents AS o
     USING credentials AS c, api_keys AS k
     WHERE o.credential_id = %(credential_id)s AND o.state_sha256 = %(state_sha256)s AND o.expires_at > now()
       AND c.id = o.credential_id AND c.project_id = o.project_id
       AND k.id = o.api_key_id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
       AND CASE WHEN o.session_sha256 IS NULL THEN coalesce(%(api_key_id)s, o.api_key_id) = o.api_key_id
                ELSE o.session_sha256 = %(session_sha256)s END
    RETURNING o.credential_id, o.project_id, o.sealed, c.name, c.type, c.data, c.key_id, clock_timestamp() AS taken_at
"""

IS_UNDER_WAY = """
    SELECT EXISTS (SELECT FROM oauth_consents AS o
                    WHERE o.credential_id = %(credential_id)s AND o.state_sha256 = %(state_sha256)s
                      AND o.expires_at > now())
"""

# The row is locked for the moment of this statement only. Whoever ends a renewal leaves no holder.
HOLD_RENEWAL = """
    WITH earlier AS (
        SELECT c.id, c.renewal_holder
          FROM credentials AS c
         WHERE c.id = %(id)s AND c.project_id = %(project_id)s AND c.type = %(type)s
           AND (c.renewal_until IS NULL OR c.renewal_until <= now())
           FOR NO KEY UPDATE)
    UPDATE credentials AS c
       SET renewal_holder = %(holder)s, renewal_until = now() + make_interval(secs => %(seconds)s)
      FROM earlier AS e
     WHERE c.id = e.id
    RETURNING c.data, c.key_id, clock_timestamp() AS held_at, e.renewal_holder IS NOT NULL AS interrupted
"""

RELEASE_RENEWAL = """
    UPDATE credentials AS c
       SET renewal_holder = NULL, renewal_until = NULL
     WHERE c.id = %(id)s AND c.renewal_holder = %(holder)s
"""

LOCK_SECRET = """
    SELECT c.data, c.key_id
      FROM credentials AS c
     WHERE c.id = %(id)s AND c.type = %(type)s
       AND (%(project_id)s::text IS NULL OR c.project_id = %(project_id)s)
       FOR NO KEY UPDATE
"""

# Whoever is slow and still there goes on being the only one.
EXTEND_RENEWAL = """
    UPDATE credentials AS c
       SET renewal_until = now() + make_interval(secs => %(seconds)s)
     WHERE c.id = %(id)s AND c.renewal_holder = %(holder)s
"""

# Tokens that were renewed are no change that anybody has made.
KEEP_RENEWED = """
    UPDATE credentials AS c
       SET data = %(data)s, key_id = %(key_id)s, renewal_holder = NULL, renewal_until = NULL
     WHERE c.id = %(id)s
"""

KEEP_FETCHED = """
    UPDATE credentials AS c
       SET data = %(data)s, key_id = %(key_id)s, renewal_holder = NULL, renewal_until = NULL
     WHERE c.id = %(id)s AND c.renewal_holder = %(holder)s
"""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who begins a consent, or comes back with one: an API key, by itself or by way of a browser's session.

    Neither: a browser that nobody has signed in with.
    """

    api_key_id: int | None = None
    session_sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class TakenConsent:
    """A consent with the credential that it is for; `sealed` and `data` are encrypted."""

    credential_id: str
    project_id: str
    sealed: bytes
    name: str
    type: str
    data: bytes
    key_id: str | None
    taken_at: datetime

    @property
    def secret(self) -> Secret:
        """The credential's encrypted data with the id of its key."""
        return Secret(self.data, self.key_id)


@dataclass(frozen=True, slots=True)
class HeldSecret:
    """The secret of a credential whose tokens nobody else renews for a while.

    `interrupted`: whoever began to renew them last has not ended that.
    """

    data: bytes
    key_id: str | None
    held_at: datetime
    interrupted: bool

    @property
    def secret(self) -> Secret:
        """The encrypted data with the id of its key."""
        return Secret(self.data, self.key_id)


def start_consent(
    connection: Connection,
    credential_id: str,
    project_id: str,
    *,
    by: Visitor,
    state_sha256: bytes,
    sealed: bytes,
    seconds: float,
) -> None:
    """Remember the consent that is asked for, in place of an earlier one for this credential."""
    values = {"credential_id": credential_id, "project_id": project_id, "seconds": seconds, **asdict(by)}
    connection.execute(START_CONSENT, {**values, "state_sha256": state_sha256, "sealed": sealed})


def take_consent(
    connection: Connection, credential_id: str, state_sha256: bytes, *, by: Visitor
) -> TakenConsent | None:
    """The consent of this state, which is gone from now on; None: there is none, it is too old, its key is valid no
    more, or another visitor has begun it, who can still take it.
    """
    with connection.cursor(row_factory=class_row(TakenConsent)) as cursor:
        where = {"credential_id": credential_id, "state_sha256": state_sha256, **asdict(by)}
        return cursor.execute(TAKE_CONSENT, where).fetchone()


def is_under_way(connection: Connection, credential_id: str, state_sha256: bytes) -> bool:
    """Whether there is a consent of this state that somebody can take."""
    where = {"credential_id": credential_id, "state_sha256": state_sha256}
    return bool(scalar(connection, IS_UNDER_WAY, where))


def hold_renewal(
    connection: Connection, project_id: str, credential_id: str, type: str, *, holder: UUID, seconds: float
) -> HeldSecret | None:
    """Let `holder` alone renew the tokens for so long; None: another one does, or the project has no such
    credential."""
    where = {"project_id": project_id, "id": credential_id, "type": type}
    with connection.cursor(row_factory=class_row(HeldSecret)) as cursor:
        return cursor.execute(HOLD_RENEWAL, {**where, "holder": holder, "seconds": seconds}).fetchone()


def extend_renewal(connection: Connection, credential_id: str, holder: UUID, *, seconds: float) -> bool:
    """Whether `holder` held it and does so for as long from now on."""
    where = {"id": credential_id, "holder": holder, "seconds": seconds}
    return connection.execute(EXTEND_RENEWAL, where).rowcount == 1


def release_renewal(connection: Connection, credential_id: str, holder: UUID) -> None:
    """Let others renew, if this one still held it."""
    connection.execute(RELEASE_RENEWAL, {"id": credential_id, "holder": holder})


def lock_secret(
    connection: Connection, credential_id: str, type: str, *, project_id: str | None = None
) -> Secret | None:
    """The secret as it is now, which nobody changes until the transaction ends; None: there is none (in that
    project)."""
    where = {"id": credential_id, "type": type, "project_id": project_id}
    with connection.cursor(row_factory=class_row(Secret)) as cursor:
        return cursor.execute(LOCK_SECRET, where).fetchone()


def keep_renewed(connection: Connection, credential_id: str, secret: Secret) -> None:
    """Store the secret with its new tokens, and let others renew."""
    connection.execute(KEEP_RENEWED, {"id": credential_id, "data": secret.data, "key_id": secret.key_id})


def keep_fetched(connection: Connection, credential_id: str, holder: UUID, secret: Secret) -> bool:
    """Store the secret with what `holder` has fetched, and let others fetch, if this one still held it; says so."""
    values = {"id": credential_id, "holder": holder, "data": secret.data, "key_id": secret.key_id}
    return connection.execute(KEEP_FETCHED, values).rowcount == 1
