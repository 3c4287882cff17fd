"""Which version of a workflow n8n had published at which time."""

from bisect import bisect_right
from datetime import datetime
from typing import Any
from uuid import UUID

from app.importing.n8n import definitions
from app.importing.n8n.rows import Row
from app.importing.n8n.source import Source

LIVE = ("error", "trigger", "webhook")
"""Modes of what runs the published version."""
PUBLISHED = "activated"


class PublishedVersions:
    """Tells which version an execution ran.

    n8n notes with an execution the version that was current, which is the draft where a workflow was edited after it
    was published. What a trigger starts runs the published one all the same.
    """

    def __init__(self, source: Source) -> None:
        self._live: dict[str, tuple[UUID | None, UUID]] = {}
        for row in source.rows("workflow_entity"):
            live = definitions.version_id(row, "activeVersionId")
            if live is not None:
                self._live[str(row["id"])] = (definitions.version_id(row), live)
        self._times: dict[str, list[datetime]] = {}
        self._versions: dict[str, list[UUID | None]] = {}
        rows = [row for row in source.rows("workflow_publish_history") if row.get("createdAt") is not None]
        for row in sorted(rows, key=lambda row: (row["createdAt"], _number(row.get("id")))):
            workflow_id = str(row["workflowId"])
            version_id = definitions.version_id(row) if row.get("event") == PUBLISHED else None
            self._times.setdefault(workflow_id, []).append(row["createdAt"])
            self._versions.setdefault(workflow_id, []).append(version_id)

    def ran(self, row: Row) -> UUID | None:
        """The version that the execution of this row ran; None where nothing says it."""
        version = definitions.version_id(row, "workflowVersionId")
        began, workflow_id = row.get("createdAt") or row.get("startedAt"), str(row.get("workflowId"))
        if version is None or row.get("mode") not in LIVE:
            return version
        if began is None or workflow_id not in self._times:  # n8n's API does not tell when what was published
            draft, live = self._live.get(workflow_id, (None, version))
            return live if version == draft else version
        place = bisect_right(self._times[workflow_id], began)
        return (self._versions[workflow_id][place - 1] if place else None) or version


def _number(value: Any) -> int:
    """An id as n8n counts them; 0 for one that is none."""
    return int(value) if str(value).isdecimal() else 0
