"""What loaded queries and bodies mean as filters of the repository, within what the caller's key may see."""

from collections.abc import Mapping
from typing import Any

from app.filters import FILTERS
from app.repository.execution_filters import ExecutionFilter


def filter_of_query(query: Mapping[str, Any], visible_project: str | None) -> ExecutionFilter:
    """What a loaded query means, within what the caller's key may see."""
    given: dict[str, Any] = {
        wanted.attribute: tuple(query[wanted.parameter]) if wanted.repeatable else query[wanted.parameter]
        for wanted in FILTERS
        if wanted.parameter in query
    }
    return ExecutionFilter(**given, visible_project=visible_project)


def filter_of_body(body: Mapping[str, Any], visible_project: str | None) -> ExecutionFilter:
    """What the loaded filter of a bulk call means, within what the caller's key may see."""
    query = {**body, "status": ["new" if status == "queued" else status for status in body.get("status", ())]}
    workflow_id = query.pop("workflow_id", "all")
    return filter_of_query(query if workflow_id == "all" else {**query, "workflow_id": [workflow_id]}, visible_project)
