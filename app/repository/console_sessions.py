"""Sessions of browsers: each stands for an API key and ends with it. Links that sign in stand for one once.

Only the SHA-256 of what a browser or a link holds is stored.
"""

from app.repository.api_keys import ApiKey, digest
from app.repository.connection import Connection, scalar

IDLE_HOURS = 12
"""A session that was not used for so long has ended."""
MAX_DAYS = 30
"""A session ends after so long in any case."""
LINK_MINUTES = 15
"""How long a link can be used."""

OPEN = """
    INSERT INTO console_sessions (token_sha256, api_key_id)
    VALUES (%(token_sha256)s, %(api_key_id)s)
"""

# Those that have ended go as others begin, a few at a time.
PRUNE = """
    DELETE FROM console_sessions AS s
     WHERE s.token_sha256 IN (SELECT o.token_sha256
                                FROM console_sessions AS o
                               WHERE o.last_used_at < statement_timestamp() - make_interval(hours => %(idle_hours)s)
                               ORDER BY o.last_used_at
                               LIMIT 100
                                 FOR UPDATE SKIP LOCKED)
"""

PRUNE_LINKS = """
    DELETE FROM console_links AS l
     WHERE l.token_sha256 IN (SELECT o.token_sha256
                                FROM console_links AS o
                               WHERE o.expires_at < statement_timestamp()
                               ORDER BY o.expires_at
                               LIMIT 100
                                 FOR UPDATE SKIP LOCKED)
"""

FIND = """
    SELECT k.id, k.label, k.scopes, k.project_id, k.created_at, k.expires_at, k.last_used_at, k.revoked_at, k.user_id,
           s.last_used_at < statement_timestamp() - interval '1 minute' AS due
      FROM console_sessions AS s
      JOIN api_keys AS k ON k.id = s.api_key_id
     WHERE s.token_sha256 = %(token_sha256)s
       AND s.last_used_at > statement_timestamp() - make_interval(hours => %(idle_hours)s)
       AND s.created_at > statement_timestamp() - make_interval(days => %(longest_days)s)
       AND k.revoked_at IS NULL
       AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
"""

TOUCH = """
    UPDATE console_sessions AS s
       SET last_used_at = clock_timestamp()
     WHERE s.token_sha256 = %(token_sha256)s
       AND s.last_used_at < statement_timestamp() - interval '1 minute'
"""

CLOSE = """
    DELETE FROM console_sessions AS s
     WHERE s.token_sha256 = %(token_sha256)s
"""

CREATE_LINK = """
    INSERT INTO console_links (token_sha256, api_key_id, expires_at)
    VALUES (%(token_sha256)s, %(api_key_id)s, clock_timestamp() + make_interval(mins => %(minutes)s))
"""

USE_LINK = """
    DELETE FROM console_links AS l
     USING api_keys AS k
     WHERE l.token_sha256 = %(token_sha256)s
       AND k.id = l.api_key_id
       AND l.expires_at > statement_timestamp()
       AND k.revoked_at IS NULL
       AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
    RETURNING k.id
"""


def open_session(connection: Connection, token: str, api_key_id: int) -> None:
    """Let this token stand for the key from now on."""
    connection.execute(PRUNE, {"idle_hours": IDLE_HOURS})
    connection.execute(OPEN, {"token_sha256": digest(token), "api_key_id": api_key_id})


def find_session(connection: Connection, token: str, *, in_use: bool) -> ApiKey | None:
    """The valid key that this token stands for; None when there is none.

    `in_use`: somebody does something, which is noted to the minute; a page that only follows what happens keeps no
    session alive.
    """
    wanted = {"token_sha256": digest(token), "idle_hours": IDLE_HOURS, "longest_days": MAX_DAYS}
    row = connection.execute(FIND, wanted).fetchone()
    if row is None:
        return None
    key_id, label, scopes, *rest, due = row
    if due and in_use:
        connection.execute(TOUCH, {"token_sha256": wanted["token_sha256"]})
    return ApiKey(key_id, label, tuple(scopes), *rest)


def close_session(connection: Connection, token: str) -> None:
    """Let the token stand for nothing from now on."""
    connection.execute(CLOSE, {"token_sha256": digest(token)})


def create_link(connection: Connection, token: str, api_key_id: int) -> None:
    """Let whoever shows this token within LINK_MINUTES sign in with the key, once."""
    connection.execute(PRUNE_LINKS)
    connection.execute(CREATE_LINK, {"token_sha256": digest(token), "api_key_id": api_key_id, "minutes": LINK_MINUTES})


def use_link(connection: Connection, token: str) -> int | None:
    """The id of the key that the link is for, which is used up; None when it was, or is too old."""
    key_id: int | None = scalar(connection, USE_LINK, {"token_sha256": digest(token)})
    return key_id
