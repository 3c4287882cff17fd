"""How the objects of the repository look from outside.

Written by hand and not by marshmallow because lists are hot; a test keeps these and the schemas alike.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from app.notation import time_text
from app.repository.deletion_jobs import DeletionJob
from app.repository.executions import Execution
from app.repository.projects import Project
from app.repository.retries import RetryAnswer
from app.repository.retry_jobs import RetryJob
from app.repository.tags import TagRecord
from app.repository.versions import VersionEntry, VersionSummary
from app.repository.workflows import Workflow
from app.schemas.workflows import EMPTY
from app.triggers import STARTS_WORKFLOWS

N8N_HAS_BESIDES = {
    "deletedAt": None,
    "storedAt": "db",
    "tracingContext": None,
    "deduplicationKey": None,
    "binaryDataSizeBytes": 0,
    "usedPrivateCredentials": False,
}
"""Fields of n8n's executions that say nothing here, as its clients expect them."""


def render_execution(execution: Execution, *, with_input: bool = False) -> dict[str, Any]:
    """The execution object without its data, keys in the order of the documentation; for orjson, which knows UUIDs.

    `with_input`: the caller may see what it began with.
    """
    started, stopped, wait_till = execution.started_at, execution.stopped_at, execution.wait_till
    retry_of, retry_success_id, status = execution.retry_of, execution.retry_success_id, execution.status
    message, preview = execution.error_message, execution.input_preview
    return {
        "id": str(execution.id),
        "workflowId": execution.workflow_id,
        "workflowName": execution.workflow_name,
        "projectId": execution.project_id,
        "status": status,
        "mode": execution.mode,
        "createdAt": time_text(execution.created_at),
        # Never null, as documented: clients compare it, and null compares as 1970, which a clean-up would delete.
        "startedAt": time_text(started or execution.created_at),
        "stoppedAt": stopped and time_text(stopped),
        "waitTill": wait_till and time_text(wait_till),
        "retryOf": None if retry_of is None else str(retry_of),
        "retrySuccessId": None if retry_success_id is None else str(retry_success_id),
        "finished": status == "success",
        "workflowVersionId": execution.workflow_version_id,
        "jsonSizeBytes": execution.json_size_bytes,
        "error": None if message is None else {"node": execution.error_node, "message": message},
        "inputPreview": orjson.loads(preview) if with_input and preview is not None else None,
        "annotation": {
            "vote": execution.vote,
            "tags": [{"id": tag.id, "name": tag.name} for tag in execution.tags],
            **({} if execution.note is None else {"note": execution.note}),
        },
        **N8N_HAS_BESIDES,
    }


def render_retry(execution: Execution) -> dict[str, Any]:
    """A retry that has just begun, as n8n has it: its data still empty, its annotation with an id."""
    rendered = render_execution(execution)
    rendered["annotation"] = {"id": 0, **rendered["annotation"]}
    workflow = {"id": execution.workflow_id, "name": execution.workflow_name}
    return {**rendered, "data": {}, "workflowData": workflow, "customData": {}}


def render_retry_answer(answer: RetryAnswer) -> dict[str, str]:
    """One line of what retryMany answers."""
    rendered = {"id": str(answer.id)}
    if answer.retry_id is not None:
        rendered["retryId"] = str(answer.retry_id)
    if answer.message is not None:
        rendered["message"] = answer.message
    return rendered


def render_deletion_job(job: DeletionJob) -> dict[str, Any]:
    """How far a deletion in the background is."""
    return {
        "id": str(job.id),
        "finished": job.finished_at is not None,
        "deleted": job.deleted,
        "createdAt": time_text(job.created_at),
        "finishedAt": job.finished_at and time_text(job.finished_at),
    }


def render_retry_job(job: RetryJob) -> dict[str, Any]:
    """How far retries in the background are."""
    return {
        "id": str(job.id),
        "finished": job.finished_at is not None,
        "matched": job.matched,
        "retried": job.retried,
        "refused": job.refused,
        "createdAt": time_text(job.created_at),
        "finishedAt": job.finished_at and time_text(job.finished_at),
        "touchedBy": None if job.touched_by is None else str(job.touched_by),
    }


def render_tag(tag: TagRecord) -> dict[str, Any]:
    """The tag object."""
    return {
        "id": tag.id,
        "name": tag.name,
        "createdAt": time_text(tag.created_at),
        "updatedAt": time_text(tag.updated_at),
    }


def render_project(project: Project) -> dict[str, Any]:
    """The project object; those of n8n have a picture, a description and an author besides."""
    return {
        "id": project.id,
        "name": project.name,
        "type": "team",
        "icon": None,
        "description": None,
        "customTelemetryTags": [],
        "creatorId": None,
        "createdAt": time_text(project.created_at),
        "updatedAt": time_text(project.updated_at),
    }


def render_workflow(
    workflow: Workflow,
    static_data: bytes | None = None,
    *,
    with_pin_data: bool = True,
    published: VersionEntry | None = None,
    project: Project | None = None,
) -> dict[str, Any]:
    """The workflow object; `static_data` is what its executions have kept, JSON, `published` the active version.

    `project` is the one that it belongs to.
    """
    definition = orjson.loads(workflow.definition)
    rendered = {
        "id": workflow.id,
        "name": workflow.name,
        "active": workflow.active,
        "activeVersionId": workflow.active_version_id and str(workflow.active_version_id),
        "projectId": workflow.project_id,
        "createdAt": time_text(workflow.created_at),
        "updatedAt": time_text(workflow.updated_at),
        "isArchived": workflow.is_archived,
        "versionId": str(workflow.version_id),
        "versionCounter": 1,
        "sourceWorkflowId": None,
        "parentFolder": None if workflow.folder is None else {"name": workflow.folder},
        "triggerCount": count_triggers(definition) if workflow.active else 0,
        **EMPTY,
        **definition,
        "staticData": None if static_data is None else orjson.loads(static_data),
        "activeVersion": published and render_active_version(published),
        "tags": [render_tag(tag) for tag in workflow.tags],
        "shared": [_render_owner(workflow, project)],
    }
    if not with_pin_data:
        del rendered["pinData"]
    return rendered


def _render_owner(workflow: Workflow, project: Project | None) -> dict[str, Any]:
    """The one project that a workflow is shared with, as n8n says it: that which it belongs to."""
    return {
        "role": "workflow:owner",
        "workflowId": workflow.id,
        "projectId": workflow.project_id,
        "project": project and render_project(project),
        "createdAt": time_text(workflow.created_at),
        "updatedAt": time_text(workflow.updated_at),
    }


def render_version(version: VersionEntry) -> dict[str, Any]:
    """The object of a workflow's version."""
    definition = orjson.loads(version.definition)
    return {
        "versionId": str(version.id),
        "workflowId": version.workflow_id,
        "nodes": definition.get("nodes") or [],
        "connections": definition.get("connections") or {},
        "nodeGroups": definition.get("nodeGroups") or [],
        **render_version_label(version),
    }


def render_version_label(version: VersionEntry | VersionSummary) -> dict[str, Any]:
    """What is said of a version besides its definition."""
    return {
        "authors": version.author,
        "name": version.label,
        "description": version.description,
        "createdAt": time_text(version.created_at),
        "updatedAt": time_text(version.updated_at),
    }


def render_active_version(version: VersionEntry) -> dict[str, Any]:
    """The same as it stands within its workflow; who published it when is not kept."""
    return {**render_version(version), "autosaved": False, "workflowPublishHistory": []}


def count_triggers(definition: Mapping[str, Any]) -> int:
    """How many enabled nodes start the workflow, told by the names of their types."""
    nodes = definition.get("nodes") or []
    nodes = [node for node in nodes if isinstance(node, dict)]
    return sum(1 for node in nodes if STARTS_WORKFLOWS.search(str(node.get("type"))) and not node.get("disabled"))
