"""What n8n's package of workflows holds: them, those that they call, and the names of the credentials they need."""

from typing import Any

from app.api.editor import N8N_VERSION
from app.api.face.auth import caller
from app.api.face.errors import Refused
from app.api.workflows.shown import get_visible_workflow
from app.notation import time_text
from app.repository import clock, credentials, users
from app.repository.connection import Connection
from app.repository.errors import CredentialNotFound
from app.repository.workflows import Workflow
from app.schemas.archives import MOST_WORKFLOWS, credentials_of, folder_of, sub_workflows_of, write_archive
from app.schemas.workflows import document_of


def with_sub_workflows(connection: Connection, ids: list[str], policy: str) -> list[Workflow]:
    """The workflows to export, with those that they call as the policy says. Raises Refused for missing ones."""
    found = {wanted: get_visible_workflow(connection, wanted) for wanted in ids}
    waiting = list(found.values())
    while waiting and policy != "reference-only":
        called = sub_workflows_of(document_of(waiting.pop().definition)["nodes"]) - found.keys()
        if called and policy == "fail":
            raise Refused(400, f"Sub-workflows are missing from the package: {', '.join(sorted(called)[:10])}")
        for identifier in called:
            if len(found) == MOST_WORKFLOWS:
                raise Refused(400, f"A package holds at most {MOST_WORKFLOWS} workflows")
            found[identifier] = get_visible_workflow(connection, identifier)
            waiting.append(found[identifier])
    return list(found.values())


def package_of(connection: Connection, found: list[Workflow]) -> tuple[bytes, str]:
    """The package of these workflows, and how much is in it as n8n's header says it."""
    files: dict[str, Any] = {}
    entries: list[dict[str, str]] = []
    needed: dict[str, dict[str, Any]] = {}
    types: dict[tuple[str, Any], list[str]] = {}
    for workflow in found:
        document = document_of(workflow.definition)
        folder = f"workflows/{folder_of(workflow.name, workflow.id)}"
        entries.append({"id": workflow.id, "name": workflow.name, "target": folder})
        files[f"{folder}/workflow.json"] = workflow_file(workflow, document)
        files[f"{folder}/workflow-metadata.json"] = {
            "publishedVersionId": workflow.active_version_id and str(workflow.active_version_id)
        }
        for each in credentials_of(document["nodes"]).values():
            needed.setdefault(each["id"], {**each, "name": "", "usedByWorkflows": []})
            needed[each["id"]]["usedByWorkflows"].append(workflow.id)
        for node in document["nodes"]:
            users_of = types.setdefault((str(node.get("type")), node.get("typeVersion")), [])
            if workflow.id not in users_of:
                users_of.append(workflow.id)
    credential_entries = []
    for each in list(needed.values()):
        try:
            named = credentials.get_credential(connection, each["id"], project_id=caller().project_id)
        except CredentialNotFound:
            del needed[each["id"]]
            continue
        each |= {"name": named.name, "type": named.type}
        folder = f"credentials/{folder_of(named.name, named.id)}"
        credential_entries.append({"id": named.id, "name": named.name, "target": folder})
        files[f"{folder}/credential.json"] = {"id": named.id, "name": named.name, "type": named.type}
    manifest = {
        "packageFormatVersion": "1",
        "exportedAt": time_text(clock.now(connection)),
        "sourceN8nVersion": N8N_VERSION,
        "sourceId": str(users.owner_id(connection)),
        "workflows": entries,
        "credentials": credential_entries,
        "requirements": {
            "credentials": list(needed.values()),
            "nodeTypes": [
                {"type": kind, "typeVersion": version, "usedByWorkflows": ids} for (kind, version), ids in types.items()
            ],
        },
    }
    counts = (
        f'{{"workflows":{len(entries)},"folders":0,"credentials":{len(credential_entries)},"dataTables":0,'
        '"variables":0,"tags":0}'
    )
    return write_archive(manifest, files), counts


def workflow_file(workflow: Workflow, document: dict[str, Any]) -> dict[str, Any]:
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
        "tagIds": [],
    }
