"""What whoever filters a list of executions can choose from: asked for beside something else, in one round trip."""

from dataclasses import dataclass

from psycopg.rows import args_row, class_row

from app.repository import projects, tags, views, workflow_lists
from app.repository.connection import Connection
from app.repository.projects import Project
from app.repository.tags import TagRecord
from app.repository.views import View
from app.repository.workflow_lists import WorkflowName


@dataclass(frozen=True, slots=True)
class Choices:
    """The first workflows and tags, and the saved views."""

    workflows: list[WorkflowName]
    tags: list[TagRecord]
    projects: list[Project]
    views: list[View]


class ChoicesQuestion:
    """Asks for at most `limit` workflows, tags and projects, where they are wanted, and the views of a key."""

    def __init__(
        self,
        *,
        api_key_id: int,
        project_id: str | None,
        limit: int,
        with_workflows: bool,
        with_tags: bool,
        with_projects: bool,
    ) -> None:
        self._limit = limit
        self._api_key_id = api_key_id
        self._project_id = project_id
        self._with_workflows = with_workflows
        self._with_tags = with_tags
        self._with_projects = with_projects

    def ask(self, connection: Connection) -> None:
        """Send the statements, within a pipeline."""
        self._names = connection.cursor(row_factory=args_row(WorkflowName))
        self._made = connection.cursor(row_factory=class_row(TagRecord))
        self._shared = connection.cursor(row_factory=class_row(Project))
        self._saved = connection.cursor(row_factory=args_row(View))
        self._saved.execute(views.LIST, {"api_key_id": self._api_key_id})
        if self._with_workflows:
            self._names.execute(workflow_lists.NAMES, {"project_id": self._project_id, "limit": self._limit})
        if self._with_tags:
            self._made.execute(tags.LIST, {"limit": self._limit, "after": ""})
        if self._with_projects:
            self._shared.execute(projects.LIST, {"limit": self._limit, "after": "", "project_id": self._project_id})

    def answer(self) -> Choices:
        """What came back, once the pipeline has ended."""
        return Choices(
            self._names.fetchall() if self._with_workflows else [],
            self._made.fetchall() if self._with_tags else [],
            self._shared.fetchall() if self._with_projects else [],
            self._saved.fetchall(),
        )
