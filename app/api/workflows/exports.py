"""What n8n's package of workflows holds: them, those that they call, and the names of the credentials they need."""

from typing import Any

from app.api.editor import N8N_VERSION
from app.api.face.auth import caller
from app.api.face.errors import Refused
from app.api.workflows.visible_workflows import get_visible_workflow
from app.notation import time_text
from app.repository import clock, credentials, users
from app.repository.connection import Connection
from app.repository.errors import CredentialNotFound
from app.repository.workflows import Workflow
from app.schemas.archives import MAX_BYTES, MAX_WORKFLOWS, credentials_of, folder_of, sub_workflows_of, write_archive
from app.schemas.workflows import document_of

Json = dict[str, Any]


def with_sub_workflows(connection: Connection, ids: list[str], policy: str) -> list[Workflow]:
    """The workflows to export, with those that they call as the policy says. Raises Refused for missing ones."""
    by_id: dict[str, Workflow] = {}
    size = 0

    def add(wanted: str) -> None:
        nonlocal size
        by_id[wanted] = get_visible_workflow(connection, wanted)
        size += len(by_id[wanted].definition)
        if size > MAX_BYTES:
            raise Refused(400, f"A package holds at most {MAX_BYTES // 2**20} MB")

    for wanted in dict.fromkeys(ids):
        add(wanted)
    waiting = list(by_id.values())
    while waiting and policy != "reference-only":
        called = sub_workflows_of(document_of(waiting.pop().definition)["nodes"]) - by_id.keys()
        if called and policy == "fail":
            raise Refused(400, f"Sub-workflows are missing from the package: {', '.join(sorted(called)[:10])}")
        for identifier in called:
            if len(by_id) == MAX_WORKFLOWS:
                raise Refused(400, f"A package holds at most {MAX_WORKFLOWS} workflows")
            add(identifier)
            waiting.append(by_id[identifier])
    return list(by_id.values())


def package_of(connection: Connection, chosen: list[Workflow], *, tags: bool) -> tuple[bytes, str]:
    """The package of these workflows, with or without their tags, and how much is in it as n8n's header says it."""
    documents = [(workflow, document_of(workflow.definition)) for workflow in chosen]
    files: dict[str, Any] = {}
    carried = {tag.id: tag.name for workflow in chosen for tag in workflow.tags} if tags else {}
    entries = [_add_workflow(files, *each, tags=tags) for each in documents]
    tag_entries = [_add_tag(files, *each) for each in carried.items()]
    needed = _needed_credentials(connection, documents)
    credential_entries = [_add_credential(files, each) for each in needed]
    manifest = {
        "packageFormatVersion": "1",
        "exportedAt": time_text(clock.now(connection)),
        "sourceN8nVersion": N8N_VERSION,
        "sourceId": str(users.owner_id(connection)),
        "workflows": entries,
        "credentials": credential_entries,
        "tags": tag_entries,
        "requirements": {"credentials": needed, "nodeTypes": _needed_types(documents)},
    }
    counts = (
        f'{{"workflows":{len(entries)},"folders":0,"credentials":{len(credential_entries)},"dataTables":0,'
        f'"variables":0,"tags":{len(tag_entries)}}}'
    )
    return write_archive(manifest, files), counts


def _add_tag(files: Json, tag_id: str, name: str) -> Json:
    """Add the file of a tag; its entry in the manifest."""
    folder = f"tags/{folder_of(name, tag_id)}"
    files[f"{folder}/tag.json"] = {"id": tag_id, "name": name}
    return {"id": tag_id, "name": name, "target": folder}


def _add_workflow(files: Json, workflow: Workflow, document: Json, *, tags: bool) -> Json:
    """Add the files of a workflow; its entry in the manifest."""
    folder = f"workflows/{folder_of(workflow.name, workflow.id)}"
    files[f"{folder}/workflow.json"] = workflow_file(
        workflow, document, [tag.id for tag in workflow.tags] if tags else []
    )
    files[f"{folder}/workflow-metadata.json"] = {
        "publishedVersionId": workflow.active_version_id and str(workflow.active_version_id)
    }
    return {"id": workflow.id, "name": workflow.name, "target": folder}


def _needed_credentials(connection: Connection, documents: list[tuple[Workflow, Json]]) -> list[Json]:
    """The credentials that workflows name and the caller can see, with their users."""
    needed: dict[str, Json] = {}
    for workflow, document in documents:
        for each in credentials_of(document["nodes"]).values():
            needed.setdefault(each["id"], {**each, "name": "", "usedByWorkflows": []})
            needed[each["id"]]["usedByWorkflows"].append(workflow.id)
    visible = []
    for each in needed.values():
        try:
            named = credentials.get_credential(connection, each["id"], project_id=caller().project_id)
        except CredentialNotFound:
            continue
        visible.append({**each, "name": named.name, "type": named.type})
    return visible


def _add_credential(files: Json, needed: Json) -> Json:
    """Add the file of a credential, without what it holds; its entry in the manifest."""
    credential_id, name = needed["id"], needed["name"]
    folder = f"credentials/{folder_of(name, credential_id)}"
    files[f"{folder}/credential.json"] = {"id": credential_id, "name": name, "type": needed["type"]}
    return {"id": credential_id, "name": name, "target": folder}


def _needed_types(documents: list[tuple[Workflow, Json]]) -> list[Json]:
    """The types and versions of the workflows' nodes, with their users."""
    types: dict[tuple[str, Any], list[str]] = {}
    for workflow, document in documents:
        for node in document["nodes"]:
            ids = types.setdefault((str(node.get("type")), node.get("typeVersion")), [])
            if workflow.id not in ids:
                ids.append(workflow.id)
    return [{"type": kind, "typeVersion": version, "usedByWorkflows": ids} for (kind, version), ids in types.items()]


def workflow_file(workflow: Workflow, document: Json, tags: list[str]) -> Json:
    """A workflow as it stands in a package."""
    return {
        "id": workflow.id,
        "name": workflow.name,
        "nodes": document["nodes"],
        "connections": document["connections"],
        "settings": document["settings"],
        "versionId": str(workflow.version_id),
        "parentFolderId": None,
        "isArchived": workflow.is_archived,
        "tagIds": tags,
    }
