"""Which version of a workflow an execution of n8n ran, as it is stored here."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.bounded_dict import BoundedDict
from app.importing.n8n import definitions
from app.importing.n8n.objects import Owners
from app.importing.n8n.published_versions import PublishedVersions
from app.importing.n8n.source import SourceExecution
from app.repository import imported_workflows
from app.repository.connection import Connection

MAX_REMEMBERED = 20_000


class VersionsThatRan:
    """Finds the version, and stores it where n8n's history does not have it."""

    def __init__(self, connection: Connection, owners: Owners, published: PublishedVersions) -> None:
        self._connection, self._owners, self._published = connection, owners, published
        self._known: BoundedDict[tuple[str, Any], UUID] = BoundedDict(MAX_REMEMBERED)

    def find_or_store(self, execution: SourceExecution) -> UUID:
        """The id of the version; what is not known of it is empty."""
        workflow_id = str(execution.row["workflowId"])
        version = definitions.version_id(execution.row, "workflowVersionId")
        for named in dict.fromkeys((self._published.ran(execution.row), version)):
            if named is not None and (stored := self._recall(workflow_id, named)) is not None:
                return stored
            if named is not None and imported_workflows.known_versions(self._connection, workflow_id, [named]):
                return self._remember(workflow_id, named, named)
        return self._store(workflow_id, execution)

    def forget(self) -> None:
        """Forget what was found, after a transaction that was rolled back."""
        self._known.clear()

    def _store(self, workflow_id: str, execution: SourceExecution) -> UUID:
        ran = execution.workflow if isinstance(execution.workflow, dict) else {}
        content = definitions.definition(definitions.document_of(ran)) or definitions.definition({}) or b"{}"
        made = definitions.content_id(workflow_id, content)
        stored = self._recall(workflow_id, made)
        if stored is not None:
            return stored
        imported_workflows.add_version(
            self._connection,
            made,
            workflow_id=workflow_id,
            project_id=self._owners.of_workflow(workflow_id),
            name=definitions.name_of(ran),
            definition=content,
            created_at=execution.row.get("startedAt") or datetime.now(UTC),
        )
        return self._remember(workflow_id, made, made)

    def _recall(self, workflow_id: str, key: Any) -> UUID | None:
        stored = self._known.get((workflow_id, key))
        if stored is not None:
            self._remember(workflow_id, key, stored)  # one that is used stays
        return stored

    def _remember(self, workflow_id: str, key: Any, version_id: UUID) -> UUID:
        self._known[workflow_id, key] = version_id
        return version_id
