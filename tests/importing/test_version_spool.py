"""Of n8n's versions a rehearsal keeps on disk what it may need, however many there are."""

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime

from app.importing.n8n.rows import Row
from app.importing.n8n.version_spool import VersionSpool

NODES = [{"name": "a" * 50_000}]


def rows() -> Iterator[Row]:
    yield {"versionId": None, "nodes": []}
    for number in range(200):
        yield {"versionId": f"v{number}", "nodes": NODES, "connections": {"\ud800": number}, "authors": "b" * 50_000}
    yield {"versionId": 7, "nodes": [{"at": datetime(2026, 1, 1, tzinfo=UTC), "many": 2**70}]}
    yield {"versionId": "v1", "nodes": []}


def test_versions_are_found_and_take_no_memory() -> None:
    tracemalloc.start()
    try:
        with VersionSpool(rows()) as versions:
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
            assert versions.get("v199") == {"nodes": NODES, "connections": {"\ufffd": 199}}
            assert versions.get("v1") == {"nodes": []}
            assert versions.get("7") == {"nodes": [{"at": "2026-01-01 00:00:00+00:00", "many": 2**70}]}
            assert versions.get("None") is None
    finally:
        tracemalloc.stop()
