"""What whoever filters a list of executions can choose from, in one round trip."""

from dataclasses import dataclass

from psycopg.rows import args_row, class_row

from app.repository import tags, views, workflow_lists
from app.repository.connection import Connection
from app.repository.tags import TagRecord
from app.repository.views import View
from app.repository.workflow_lists import WorkflowName


@dataclass(frozen=True, slots=True)
class Choices:
    workflows: list[WorkflowName]
    tags: list[TagRecord]
    views: list[View]


def read_choices(
    connection: Connection,
    *,
    api_key_id: int,
    project_id: str | None,
    limit: int,
    with_workflows: bool,
    with_tags: bool,
) -> Choices:
    """At most `limit` workflows and tags, where they are wanted, and the views of a key.

    Needs a connection outside any transaction (`connection.reading`).
    """
    names = connection.cursor(row_factory=args_row(WorkflowName))
    made = connection.cursor(row_factory=class_row(TagRecord))
    saved = connection.cursor(row_factory=args_row(View))
    with connection.pipeline():
        saved.execute(views.LIST, {"api_key_id": api_key_id})
        if with_workflows:
            names.execute(workflow_lists.NAMES, {"project_id": project_id, "limit": limit})
        if with_tags:
            made.execute(tags.LIST, {"limit": limit, "after": ""})
    return Choices(names.fetchall() if with_workflows else [], made.fetchall() if with_tags else [], saved.fetchall())
