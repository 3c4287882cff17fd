"""Stores workflows with their versions, tags, static data and folders. None is active before that is asked for."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.importing.n8n import definitions
from app.importing.n8n.borders import cut_references
from app.importing.n8n.objects import Owners, times_of
from app.importing.n8n.options import ImportOptions
from app.importing.n8n.report import Report, WorkflowFindings
from app.importing.n8n.row_savepoints import kept_apart
from app.importing.n8n.rows import ODD, UNREADABLE, Row, storable
from app.importing.n8n.source import Source
from app.importing.n8n.survey import Survey
from app.repository import import_progress, imported_workflows, static_data
from app.repository.connection import Connection
from app.schemas.base import OBJECT_ID
from app.schemas.static_data import static_parts

SEPARATOR = " / "
CHANGED_HERE, NOT_STORED = "changed here", "that cannot be stored"
GONE = "is gone there: it stays here as it is"
EDITED = "was edited since it was published: what is published there becomes active here, the edited one is a draft"


@dataclass(slots=True)
class KnownWorkflow:
    """What is kept of a workflow in memory: enough to make versions of it, and to activate it."""

    row: Row
    """Its row in n8n without its nodes."""
    active: bool
    published: UUID | None
    """The version that is live there; None where that is the current one, or n8n does not say."""
    changed_here: bool = False
    left_at: UUID | None = None
    """The version that it is at here; None where somebody has changed it here."""
    may_follow: bool = False
    """Whether it follows n8n, as it is not active here and has never run here."""


@dataclass(slots=True)
class Workflows:
    """The workflows that were brought, by id."""

    known: dict[str, KnownWorkflow] = field(default_factory=dict)

    def active(self) -> dict[str, UUID | None]:
        """Those that are active in n8n, each with the version that is; None: the current one."""
        return {workflow_id: workflow.published for workflow_id, workflow in self.known.items() if workflow.active}

    def changed_here(self, workflow_id: str) -> bool:
        """Whether somebody has changed the workflow here since it came."""
        workflow = self.known.get(workflow_id)
        return workflow is not None and workflow.changed_here


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a workflow; see `KnownWorkflow`."""

    became: str
    left_at: UUID | None = None
    may_follow: bool = False


class WorkflowWriter:
    """Stores workflows; see `bring`."""

    def __init__(
        self,
        connection: Connection,
        source: Source,
        options: ImportOptions,
        owners: Owners,
        survey: Survey,
        report: Report,
    ) -> None:
        self._connection, self._source, self._options = connection, source, options
        self._owners, self._survey, self._report = owners, survey, report
        self._there: dict[str, str] | None = None
        self._left_at: set[tuple[str, UUID]] | None = None
        self._folders = folder_names(list(source.rows("folder")))

    def bring(self, tag_ids: dict[str, str]) -> Workflows:
        """Store every workflow of the source and every version of its history."""
        brought = Workflows()
        there: set[str] = set()
        for row in self._source.rows("workflow_entity"):
            workflow_id = str(row["id"])
            if OBJECT_ID.fullmatch(workflow_id) is None:
                self._report.count("workflows", "with an id that cannot be kept")
                self._report.note(
                    f"The workflow {definitions.name_of(row)} stays behind: its id {workflow_id!r:.60} is longer than "
                    "what n8n gives, or holds other characters."
                )
                continue
            there.add(workflow_id)
            if (known := self._bring_one(workflow_id, row)) is not None:
                brought.known[workflow_id] = known
        self._bring_versions(brought)
        self._set_tags(brought, tag_ids)
        self._tell_gone(there)
        left_at = {workflow_id: workflow.left_at for workflow_id, workflow in brought.known.items()}
        import_progress.save_workflows(self._connection, self._source.name, left_at)
        return brought

    def _bring_one(self, workflow_id: str, row: Row) -> KnownWorkflow | None:
        """Store a workflow; None where it cannot be stored."""
        published = definitions.version_id(row, "activeVersionId")
        edited = published is not None and published != definitions.version_id(row)
        saved = None
        about = f"The workflow {row.get('name')!s:.100} ({workflow_id})"
        with kept_apart(self._connection, self._report, "workflows", about):
            saved = self._save(row, edited=edited)
        if saved is None or saved.became == NOT_STORED:
            return None
        return KnownWorkflow(
            {name: row.get(name) for name in (*definitions.OF_WORKFLOW, "name")},
            bool(row.get("active")),
            published,
            saved.became == CHANGED_HERE,
            saved.left_at,
            saved.may_follow,
        )

    def _save(self, row: Row, *, edited: bool) -> Saved:
        """Store a workflow."""
        workflow_id, name = str(row["id"]), definitions.name_of(row)
        document = definitions.document_of(row)
        findings = WorkflowFindings(workflow_id, name, bool(row.get("active")), self._look(workflow_id, document))
        self._report.workflows.append(findings)
        content = definitions.definition(document, self._options.timezone)
        if content is None:
            findings.findings.append("cannot be stored: it is nested too deeply, or holds a number that is too large")
            self._report.count("workflows", NOT_STORED)
            return Saved(NOT_STORED)
        for column in row.get(UNREADABLE, ()):
            findings.findings.append(f"has {column} that cannot be read: they stay behind")
        if edited:
            findings.findings.append(EDITED)
        version_id = self._add_version(workflow_id, self._owners.of_workflow(workflow_id), row, name, content)
        saved = self._store(row, version_id, findings, document)
        self._report.count("workflows", saved.became)
        return saved

    def _look(self, workflow_id: str, document: dict[str, Any]) -> list[str]:
        """What is to be done about the workflow, in sentences."""
        try:
            return [*self._survey.look(document), *cut_references(workflow_id, document, self._owners)]
        except ODD as error:
            return [f"cannot be looked over, as it is laid out as none of n8n's: {error!r:.100}"]

    def _store(self, row: Row, version_id: UUID, findings: WorkflowFindings, document: dict[str, Any]) -> Saved:
        """Store the workflow at this version."""
        workflow_id, times, archived = str(row["id"]), times_of(row), bool(row.get("isArchived"))
        folder = self._folders.get(str(row.get("parentFolderId")))
        current = imported_workflows.current_workflow(self._connection, workflow_id)
        if current is None:
            imported_workflows.add_workflow(
                self._connection,
                workflow_id,
                project_id=self._owners.of_workflow(workflow_id),
                version_id=version_id,
                folder=folder,
                archived=archived,
                times=times,
            )
            self._save_static_data(row)
            return Saved("created", version_id, may_follow=True)
        if current.active and current.version_id == version_id:
            return Saved("unchanged", version_id)
        if current.active or not (
            current.version_id == version_id or self._came_from_there(workflow_id, current.version_id)
        ):
            findings.findings.append("was changed here since it came: it stays as it is here")
            return Saved(CHANGED_HERE)
        changed = imported_workflows.change_workflow(
            self._connection,
            workflow_id,
            version_id=version_id,
            folder=folder,
            archived=archived,
            updated_at=times.updated_at,
        )
        may_follow = not imported_workflows.has_run_here(self._connection, workflow_id)
        if may_follow:
            changed |= self._refresh(workflow_id, version_id, findings.name, document)
            self._save_static_data(row)
        return Saved("updated" if changed else "unchanged", version_id, may_follow)

    def _refresh(self, workflow_id: str, version_id: UUID, name: str, document: dict[str, Any]) -> bool:
        """Give a version what n8n keeps with the workflow and may change without another version: name, settings,
        pinned data. Returns whether any of it is new."""
        timezone = self._options.timezone or imported_workflows.zone_of_version(self._connection, version_id)
        content = definitions.definition(document, timezone)
        return content is not None and imported_workflows.refresh_version(
            self._connection, version_id, workflow_id=workflow_id, name=name, definition=content
        )

    def _add_version(self, workflow_id: str, project_id: str, row: Row, name: str, content: bytes) -> UUID:
        """Store a version; returns its id, which is n8n's unless that is taken."""
        own = definitions.version_id(row)
        made = definitions.content_id(workflow_id, content)
        for version_id in (own, made):
            if version_id is None:
                continue
            imported_workflows.add_version(
                self._connection,
                version_id,
                workflow_id=workflow_id,
                project_id=project_id,
                name=name,
                definition=content,
                created_at=times_of(row).created_at,
            )
            if imported_workflows.known_versions(self._connection, workflow_id, [version_id]):
                return version_id
        raise AssertionError("an id that is made from the workflow's own id is free or its own")

    def _came_from_there(self, workflow_id: str, version_id: UUID) -> bool:
        if self._left_at is None:
            self._left_at = import_progress.versions_left_at(self._connection)
        return (workflow_id, version_id) in self._left_at or self._versions_there().get(str(version_id)) == workflow_id

    def _versions_there(self) -> dict[str, str]:
        """The workflow of each version that n8n has."""
        if self._there is None:
            history = self._source.rows("workflow_history")
            self._there = {str(row["versionId"]): str(row["workflowId"]) for row in history}
        return self._there

    def _save_static_data(self, row: Row) -> None:
        """Keep what n8n's workflow remembers, and no more than that."""
        workflow_id, parts = str(row["id"]), static_parts({"staticData": row.get("staticData")}) or {}
        if parts != static_data.read_parts(self._connection, workflow_id):
            static_data.replace(self._connection, workflow_id, parts)

    def _bring_versions(self, brought: Workflows) -> None:
        for row in self._source.rows("workflow_history"):
            workflow_id = str(row["workflowId"])
            workflow = brought.known.get(workflow_id)
            if workflow is None:
                continue
            document = definitions.document_of(workflow.row, row)
            content = definitions.definition(document, self._options.timezone)
            if content is None:
                self._report.count("versions", "that cannot be stored")
                continue
            name = definitions.name_of(workflow.row)
            with kept_apart(
                self._connection, self._report, "versions", f"The version {row['versionId']} of {name:.100}"
            ):
                version_id = self._add_version(workflow_id, self._owners.of_workflow(workflow_id), row, name, content)
                if workflow.may_follow and version_id == workflow.published:
                    self._refresh(workflow_id, version_id, name, document)
                self._report.count("versions", "kept")

    def _set_tags(self, brought: Workflows, tag_ids: dict[str, str]) -> None:
        wanted: dict[str, list[str]] = {workflow_id: [] for workflow_id in brought.known}
        for row in self._source.rows("workflows_tags"):
            tag_id, workflow_id = tag_ids.get(str(row["tagId"])), str(row["workflowId"])
            if tag_id is not None and workflow_id in wanted:
                wanted[workflow_id].append(tag_id)
        for workflow_id, tags in wanted.items():
            imported_workflows.follow_tags(self._connection, workflow_id, tags, known=[*tag_ids.values()])

    def _tell_gone(self, there: Collection[str]) -> None:
        """Count those that came earlier and have been deleted there since."""
        for workflow_id, name in import_progress.gone_workflows(self._connection, self._source.name, there):
            self._report.count("workflows", "here that are gone there")
            self._report.workflows.append(WorkflowFindings(workflow_id, name, active=False, findings=[GONE]))


def folder_names(rows: Collection[Row]) -> dict[str, str]:
    """The name of each folder with those around it, the outermost first."""
    by_id: dict[str, Row] = {str(row["id"]): row for row in rows}
    names = {}
    for folder_id in by_id:
        parts: list[str] = []
        seen: set[Any] = set()
        inner: Any = folder_id
        while inner in by_id and inner not in seen:
            seen.add(inner)
            parts.insert(0, storable(by_id[inner].get("name")))
            inner = by_id[inner].get("parentFolderId")
        names[folder_id] = SEPARATOR.join(parts)
    return names
