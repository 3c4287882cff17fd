"""What loaded queries and bodies mean as filters of the repository, within what the caller's key may see."""

from collections.abc import Mapping
from typing import Any

from app.repository.execution_filters import ExecutionFilter


def listed(query: Mapping[str, Any], visible_project: str | None) -> ExecutionFilter:
    """What a loaded query means, within what the caller's key may see."""
    return ExecutionFilter(
        statuses=tuple(query.get("status", ())),
        workflow_ids=tuple(query.get("workflow_id", ())),
        project_ids=tuple(query.get("project_id", ())),
        modes=tuple(query.get("mode", ())),
        retry_of=tuple(query.get("retry_of", ())),
        tags=tuple(query.get("tag", ())),
        votes=tuple(query.get("vote", ())),
        started_after=query.get("started_after"),
        started_before=query.get("started_before"),
        metadata_key=query.get("metadata_key"),
        metadata_value=query.get("metadata_value"),
        visible_project=visible_project,
    )


def matching(body: Mapping[str, Any], visible_project: str | None) -> ExecutionFilter:
    """What the loaded filter of a bulk call means, within what the caller's key may see."""
    workflow_id = body.get("workflow_id", "all")
    return ExecutionFilter(
        statuses=tuple("new" if status == "queued" else status for status in body.get("status", ())),
        modes=tuple(body.get("mode", ())),
        workflow_ids=() if workflow_id == "all" else (workflow_id,),
        started_after=body.get("started_after"),
        started_before=body.get("started_before"),
        visible_project=visible_project,
    )
