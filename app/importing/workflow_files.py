"""Stores workflows from files as n8n exports them: one workflow a file, or a list of them.

Knows the repository and what makes a workflow valid; knows nothing of where files come from.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from marshmallow import ValidationError

from app.engine import nodes
from app.engine.run.graph import InvalidWorkflow
from app.engine.run.parsing import check_structure
from app.importing.n8n.rows import read_json
from app.importing.whole_files import read_whole
from app.notation import new_id
from app.repository import static_data
from app.repository.connection import Connection
from app.repository.errors import WorkflowNotFound
from app.repository.workflows import create_workflow, get_workflow, save_workflow
from app.schemas.base import OBJECT_ID
from app.schemas.node_ids import fill_ids
from app.schemas.static_data import static_parts
from app.schemas.workflows import WorkflowBody, definition_of

ADDRESSES = ("http:", "https:", "postgres:", "postgresql:")
NO_TEXT = (b"SQLite format 3\0", b"PK\x03\x04", b"PK\x05\x06")
"""What the files begin with that an n8n is read from as a whole."""
ALL_OF_AN_N8N = "is no file of workflows: `flask import n8n SOURCE` reads databases, archives and addresses of an n8n"


class InvalidFile(Exception):
    """A file that holds no workflow that could be stored; the message names the file and says what is wrong."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one workflow of a file: "created", "updated" (a new version) or "unchanged". `document` is it."""

    id: str
    name: str
    change: str
    document: dict[str, Any]


def import_file(connection: Connection, file: Path, *, project_id: str) -> list[Imported]:
    """Store the workflows of a file in a project, all or none.

    A workflow keeps the id that the file gives it: when there is one with this id already, it gets a new version.
    New ones are not active, whatever the file says; one that is there already keeps its static data.

    Raises InvalidFile, and WorkflowNotFound when the id belongs to another project.
    """
    if str(file).startswith(ADDRESSES):  # which may hold a password
        raise InvalidFile(f"An address {ALL_OF_AN_N8N}")
    try:
        read = read_whole(file)
        if read.startswith(NO_TEXT):
            raise InvalidFile(f"{file} {ALL_OF_AN_N8N}")
        content = read_json(read)
    except OSError as error:
        raise InvalidFile(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise InvalidFile(f"{file} is not JSON: {error}") from None
    documents = content if isinstance(content, list) else [content]
    for number, document in enumerate(documents, 1):
        _check(f"{file}, workflow {number} of {len(documents)}" if len(documents) > 1 else str(file), document)
    with connection.transaction():
        return [_store(connection, document, project_id) for document in documents]


def _check(place: str, document: Any) -> None:
    """Raises InvalidFile for what is no workflow, which says its name and where it is."""
    try:
        if not isinstance(document, dict):
            raise InvalidWorkflow("A workflow is a JSON object.")
        place += f" ({name!r:.60})" if isinstance(name := document.get("name"), str) else ""
        WorkflowBody().load(document)
        check_structure(document, nodes.load())
    except InvalidWorkflow as error:
        raise InvalidFile(f"{place}: {error}") from None
    except ValidationError as error:
        problems = "; ".join(f"{key}: {said}" for key, said in error.messages_dict.items())
        raise InvalidFile(f"{place}: {problems}") from None


def _store(connection: Connection, document: dict[str, Any], project_id: str) -> Imported:
    given, name = document.get("id"), document["name"]
    workflow_id = given if isinstance(given, str) and OBJECT_ID.fullmatch(given) else new_id()
    try:
        before = get_workflow(connection, workflow_id)
    except WorkflowNotFound:
        definition = definition_of(fill_ids(document))
        create_workflow(connection, workflow_id, project_id=project_id, name=name, definition=definition)
        static_data.replace(connection, workflow_id, static_parts(document) or {})
        return Imported(workflow_id, name, "created", document)
    definition = definition_of(fill_ids(document, orjson.loads(before.definition)))
    save_workflow(connection, workflow_id, name=name, definition=definition, project_id=project_id)
    after = get_workflow(connection, workflow_id)
    change = "unchanged" if after.version_id == before.version_id else "updated"
    return Imported(workflow_id, name, change, document)
