"""Stored run data that cannot be read, told from its beginning, so that it keeps nobody from reading the rest."""

from collections.abc import Sequence

import zstandard

from app.repository.connection import Connection
from app.repository.execution_data import CORRUPTED, SLICE_BYTES, ZSTD, StoredData, read_beginnings

EXAMINED_BYTES = 64 * 1024

NEWEST = """
    SELECT d.execution_id
      FROM execution_data AS d
     ORDER BY d.execution_id DESC
     LIMIT %(limit)s
"""


def read_intact(connection: Connection, ids: Sequence[int]) -> tuple[dict[int, StoredData], set[int]]:
    """As `read_beginnings`, without what is damaged as far as that shows in the beginning; and the ids of that.

    The connection must be in no transaction.
    """
    found, damaged = _read_each(connection, ids, SLICE_BYTES)
    decompressor = zstandard.ZstdDecompressor()
    intact = {}
    for execution_id, stored in found.items():
        if (examined := _examine(decompressor, stored)) is None:
            damaged.add(execution_id)
        else:
            intact[execution_id] = examined
    return intact, damaged


def _read_each(connection: Connection, ids: Sequence[int], size: int) -> tuple[dict[int, StoredData], set[int]]:
    """What can be read at all, and the ids of what PostgreSQL itself cannot read."""
    try:
        return read_beginnings(connection, ids, size), set()
    except CORRUPTED:
        found: dict[int, StoredData] = {}
        damaged: set[int] = set()
        for execution_id in ids:
            try:
                found |= read_beginnings(connection, [execution_id], size)
            except CORRUPTED:
                damaged.add(execution_id)
        return found, damaged


def find_damaged(connection: Connection, *, limit: int) -> list[int]:
    """Those of the newest `limit` executions with data whose data is damaged in its first EXAMINED_BYTES."""
    ids = [execution_id for (execution_id,) in connection.execute(NEWEST, {"limit": limit})]
    found, damaged = _read_each(connection, ids, EXAMINED_BYTES)
    decompressor = zstandard.ZstdDecompressor()
    return sorted(damaged.union(key for key, stored in found.items() if _examine(decompressor, stored) is None))


def _examine(decompressor: zstandard.ZstdDecompressor, stored: StoredData) -> StoredData | None:
    """What was read, decoded where it is small; None for what does not decode, or is no object.

    (Whether that is JSON is not worth its time.)
    """
    is_whole = stored.size == len(stored.beginning)
    if stored.encoding != ZSTD:
        text = stored.beginning.strip()
        return None if text[:1] != b"{" or (is_whole and text[-1:] != b"}") else stored
    try:
        if stored.is_small:
            text = decompressor.decompress(stored.beginning)
            return stored._replace(text=text) if len(text) == stored.json_bytes else None
        length = sum(map(len, decompressor.read_to_iter(stored.beginning)))
        return None if is_whole and length != stored.json_bytes else stored
    except zstandard.ZstdError:
        return None
