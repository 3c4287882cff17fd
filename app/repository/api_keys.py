"""API keys: who may call, for what, until when. Only the SHA-256 of a key is stored."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from app.repository.connection import Connection, scalar
from app.repository.errors import ApiKeyNotFound


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as stored.

    `project_id` None: every project; `user_id` None: the owner's. `scopes` are n8n's names, "*" stands for all.
    """

    id: int
    label: str
    scopes: tuple[str, ...]
    project_id: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    user_id: UUID | None


# Uses api_keys_key_is_unique.
FIND = """
    SELECT k.id, k.label, k.scopes, k.project_id, k.created_at, k.expires_at, k.last_used_at, k.revoked_at,
           k.user_id, k.key_sha256
      FROM api_keys AS k
     WHERE k.key_sha256 = %(key_sha256)s
       AND k.revoked_at IS NULL
       AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
"""

# At most one write a minute a key, however many processes see it used.
TOUCH = """
    UPDATE api_keys AS k
       SET last_used_at = clock_timestamp()
     WHERE k.id = %(id)s
       AND (k.last_used_at IS NULL OR k.last_used_at < statement_timestamp() - interval '1 minute')
"""

CREATE = """
    INSERT INTO api_keys (label, key_sha256, scopes, project_id, expires_at, user_id)
    VALUES (%(label)s, %(key_sha256)s, %(scopes)s, %(project_id)s, %(expires_at)s, %(user_id)s)
    RETURNING id
"""

# One that was revoked stays so.
ADD_STANDING = """
    INSERT INTO api_keys (label, key_sha256, scopes)
    SELECT %(label)s, %(key_sha256)s, %(scopes)s
     WHERE NOT EXISTS (SELECT FROM api_keys AS k WHERE k.key_sha256 = %(key_sha256)s)
    ON CONFLICT (key_sha256) DO NOTHING
"""

# The bootstrap key: made once, given back its rights when it is named again.
ENSURE = """
    INSERT INTO api_keys AS k (label, key_sha256, scopes)
    VALUES (%(label)s, %(key_sha256)s, %(scopes)s)
    ON CONFLICT (key_sha256) DO UPDATE
       SET scopes = EXCLUDED.scopes, revoked_at = NULL, expires_at = NULL, project_id = NULL
     WHERE k.scopes <> EXCLUDED.scopes OR k.revoked_at IS NOT NULL OR k.expires_at IS NOT NULL
        OR k.project_id IS NOT NULL
"""

LIST = """
    SELECT k.id, k.label, k.scopes, k.project_id, k.created_at, k.expires_at, k.last_used_at, k.revoked_at,
           k.user_id
      FROM api_keys AS k
     ORDER BY k.id
"""

PAGE = """
    SELECT k.id, k.label, k.scopes, k.project_id, k.created_at, k.expires_at, k.last_used_at, k.revoked_at,
           k.user_id
      FROM api_keys AS k
     WHERE k.id > %(after)s AND k.revoked_at IS NULL
     ORDER BY k.id
     LIMIT %(limit)s
"""

REVOKE = """
    UPDATE api_keys AS k
       SET revoked_at = coalesce(k.revoked_at, clock_timestamp())
     WHERE k.id = %(id)s
    RETURNING true
"""


def digest(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def find_api_key(connection: Connection, key: str) -> ApiKey | None:
    """The key as stored, or None when it is unknown, expired or revoked."""
    wanted = digest(key)
    row = connection.execute(FIND, {"key_sha256": wanted}).fetchone()
    if row is None or not hmac.compare_digest(row[-1], wanted):
        return None
    key_id, label, scopes, *rest, _ = row
    return ApiKey(key_id, label, tuple(scopes), *rest)


def note_use(connection: Connection, api_key_id: int) -> None:
    """Note that a key was used, to the minute."""
    connection.execute(TOUCH, {"id": api_key_id})


def create_api_key(
    connection: Connection,
    key: str,
    *,
    label: str,
    scopes: Sequence[str],
    project_id: str | None = None,
    expires_at: datetime | None = None,
    user_id: UUID | None = None,
) -> int:
    """Store a new key, the owner's unless a user is named, and return its id."""
    values = {
        "label": label,
        "key_sha256": digest(key),
        "scopes": list(scopes),
        "project_id": project_id,
        "expires_at": expires_at,
        "user_id": user_id,
    }
    return int(scalar(connection, CREATE, values))


def ensure_api_key(connection: Connection, key: str, *, label: str, scopes: Sequence[str]) -> None:
    """Make sure that this key exists, is valid and has exactly these scopes."""
    connection.execute(ENSURE, {"label": label, "key_sha256": digest(key), "scopes": list(scopes)})


def add_standing_key(connection: Connection, key: str) -> None:
    """Store the key that the environment names, which may do everything, unless it is there, revoked or not."""
    connection.execute(ADD_STANDING, {"label": "EXECUTIONS_API_KEY", "key_sha256": digest(key), "scopes": ["*"]})


def list_api_keys(connection: Connection) -> list[ApiKey]:
    """All keys, revoked ones too, in the order of their making."""
    with connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        return cursor.execute(LIST).fetchall()


def page_of_api_keys(connection: Connection, *, limit: int, after: int = 0) -> list[ApiKey]:
    """At most `limit` keys that are not revoked, of ids above `after`, in the order of their making."""
    with connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        return cursor.execute(PAGE, {"limit": limit, "after": after}).fetchall()


def revoke_api_key(connection: Connection, api_key_id: int) -> None:
    """Make a key useless from now on. Raises ApiKeyNotFound."""
    if not scalar(connection, REVOKE, {"id": api_key_id}):
        raise ApiKeyNotFound
