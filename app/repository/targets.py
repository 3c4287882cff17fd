"""What an execution runs, and where it belongs: workflow, version and project."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Target:
    """A workflow at one of its versions, and the project that its executions belong to."""

    workflow_id: str
    version_id: UUID
    project_id: str


class StartsExecutions:
    """A record that says which workflow it starts, at which version."""

    __slots__ = ()
    workflow_id: str
    version_id: UUID
    project_id: str

    @property
    def target(self) -> Target:
        """What an execution of it runs."""
        return Target(self.workflow_id, self.version_id, self.project_id)
