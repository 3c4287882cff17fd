"""A trigger that acts by itself on a worker: its node, in its workflow as it is published."""

from dataclasses import dataclass
from uuid import UUID

from app.repository.targets import Target


@dataclass(frozen=True, slots=True)
class TriggerNode:
    """A trigger of a workflow; `definition` is the workflow's JSON."""

    workflow_id: str
    node: str
    project_id: str
    version_id: UUID
    name: str
    definition: bytes

    @property
    def target(self) -> Target:
        """What an execution of it runs."""
        return Target(self.workflow_id, self.version_id, self.project_id)
