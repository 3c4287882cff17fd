"""What an execution runs."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Target:
    """A workflow at one of its versions, and the project that its executions belong to."""

    workflow_id: str
    version_id: UUID
    project_id: str
