"""Finds stored run data that is damaged by decoding the beginning of each, so that all other data can be read."""

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


def read_intact(connection: Connection, ids: Sequence[int]) -> dict[int, StoredData | None]:
    """As `read_beginnings`; None for what is damaged, as far as that shows in the beginning.

    The connection must be in no transaction.
    """
    return _read_each(connection, ids, SLICE_BYTES)


def _read_each(connection: Connection, ids: Sequence[int], size: int) -> dict[int, StoredData | None]:
    """The beginnings of that size, each examined; None for what PostgreSQL itself cannot read, too."""
    found: dict[int, StoredData | None] = {}
    try:
        found |= read_beginnings(connection, ids, size)
    except CORRUPTED:
        for execution_id in ids:
            try:
                found |= read_beginnings(connection, [execution_id], size)
            except CORRUPTED:
                found[execution_id] = None
    decompressor = zstandard.ZstdDecompressor()
    return {key: None if stored is None else _examine(decompressor, stored) for key, stored in found.items()}


def find_damaged(connection: Connection, *, limit: int) -> list[int]:
    """Those of the newest `limit` executions with data whose data is damaged in its first EXAMINED_BYTES."""
    ids = [execution_id for (execution_id,) in connection.execute(NEWEST, {"limit": limit})]
    return sorted(key for key, stored in _read_each(connection, ids, EXAMINED_BYTES).items() if stored is None)


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
