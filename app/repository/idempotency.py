"""Idempotency keys: a call that is sent again within 24 hours gets its first answer and does nothing."""

import hashlib

from app.repository.connection import Connection
from app.repository.errors import IdempotencyKeyReused

# The insert waits for another transaction that holds the same key, and then finds its answer.
RESERVE = """
    INSERT INTO idempotency_keys AS i (api_key_id, key, request_sha256)
    VALUES (%(api_key_id)s, %(key)s, %(request_sha256)s)
    ON CONFLICT (api_key_id, key) DO UPDATE
       SET request_sha256 = EXCLUDED.request_sha256, response = NULL, created_at = now()
     WHERE i.created_at < now() - interval '24 hours'
    RETURNING true
"""

FIRST_ANSWER = """
    SELECT i.request_sha256, i.response
      FROM idempotency_keys AS i
     WHERE i.api_key_id = %(api_key_id)s AND i.key = %(key)s
"""

REMEMBER = """
    UPDATE idempotency_keys AS i
       SET response = %(response)s
     WHERE i.api_key_id = %(api_key_id)s AND i.key = %(key)s
"""

FORGET = """
    DELETE FROM idempotency_keys AS i
     WHERE i.created_at < now() - interval '24 hours'
"""


def first_answer(connection: Connection, api_key_id: int, key: str, request: bytes) -> bytes | None:
    """Reserve the key for this request, or return the answer that the same request got before.

    None means that the caller is first: it acts, and calls `remember` in the same transaction. Raises
    IdempotencyKeyReused when the key came with another request.
    """
    fingerprint = hashlib.sha256(request).digest()
    where = {"api_key_id": api_key_id, "key": key}
    if connection.execute(RESERVE, {**where, "request_sha256": fingerprint}).fetchone():
        return None
    row = connection.execute(FIRST_ANSWER, where).fetchone()
    if row is None or row[0] != fingerprint:
        raise IdempotencyKeyReused
    return bytes(row[1])


def remember(connection: Connection, api_key_id: int, key: str, response: bytes) -> None:
    """Keep the answer for whoever sends the same request again."""
    connection.execute(REMEMBER, {"api_key_id": api_key_id, "key": key, "response": response})


def forget_old(connection: Connection) -> None:
    """Drop keys of which the 24 hours are over."""
    connection.execute(FORGET)
