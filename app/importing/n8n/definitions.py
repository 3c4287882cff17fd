"""Workflows and versions of n8n as documents of this program."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

import orjson
from marshmallow import ValidationError

from app.importing.n8n.rows import Row, storable
from app.schemas.base import encode_json
from app.schemas.workflows import NUL, definition_of

NAMESPACE = UUID("8f5c1d2e-6f0b-5c39-9a57-0d6f7f3a51c4")
"""Of the ids that versions get which n8n gave none."""

OF_WORKFLOW = ("settings", "pinData", "meta", "description")
"""What n8n keeps with a workflow and not with its versions."""
OF_VERSION = ("nodes", "connections", "nodeGroups")

MAX_NAME_LENGTH = 128
MAX_UUID_LENGTH = 45
"""With braces, or as a URN."""


def document_of(workflow: Mapping[str, Any], version: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The document of a workflow, at one of its versions where one is given."""
    parts = {name: workflow.get(name) for name in OF_WORKFLOW}
    parts |= {name: (version or workflow).get(name) for name in OF_VERSION}
    document = {name: value for name, value in parts.items() if value is not None}
    return {"nodes": [], "connections": {}, "settings": {}, **document}


def definition(document: Mapping[str, Any], timezone: str | None = None) -> bytes | None:
    """The document as it is stored; None where it is nested too deeply for that. Another character stands for NUL.

    `timezone` is written into the settings where these name none.
    """
    settings = document.get("settings")
    if timezone is not None and isinstance(settings, dict) and settings.get("timezone") in (None, "", "DEFAULT"):
        document = {**document, "settings": {**settings, "timezone": timezone}}
    try:
        text = encode_json(document)
        return definition_of(orjson.loads(NUL.sub(rb"\1\\ufffd", text)) if NUL.search(text) else document)
    except ValidationError:
        return None


def name_of(row: Mapping[str, Any]) -> str:
    """The workflow's name, as it can be stored."""
    name = storable(row.get("name") or "")
    return name[:MAX_NAME_LENGTH] or "Unnamed workflow"


def version_id(row: Row, name: str = "versionId") -> UUID | None:
    """The id of a version; None where n8n gave none, or one that is no UUID."""
    text = str(row.get(name))
    return _uuid(text) if len(text) <= MAX_UUID_LENGTH else None


@lru_cache(maxsize=1024)
def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def content_id(workflow_id: str, content: bytes) -> UUID:
    """An id for a version that has none: the same for the same content."""
    return uuid5(NAMESPACE, f"{workflow_id}:{hashlib.sha256(content).hexdigest()}")
