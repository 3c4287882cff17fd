"""Workflows in n8n's shape: what of a document is kept, what is asked of them, and who says what can run.

The rules about graphs and node types are the engine's; they come in from outside as WorkflowRules.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson
from marshmallow import INCLUDE, ValidationError, fields, pre_load, validate, validates_schema

from app.schemas.base import (
    MAX_ERRORS,
    BoundedList,
    StrictSchema,
    describe,
    encode_json,
    name_field,
    project_id_field,
    query_flag,
    validate_printable,
)
from app.schemas.pages import OffsetPageQuery, PageQuery, UuidPageQuery
from app.schemas.static_data import check_scopes
from app.triggers.packaged import CalledNode

# What the server says about a workflow; ignored when a document that was exported somewhere brings it.
SERVERS_OWN = frozenset(
    {
        "id",
        "name",
        "active",
        "activeVersion",
        "activeVersionId",
        "createdAt",
        "homeProject",
        "isArchived",
        "parentFolder",
        "projectId",
        "scopes",
        "shared",
        "sharedWithProjects",
        "sourceWorkflowId",
        "tags",
        "triggerCount",
        "updatedAt",
        "usedCredentials",
        "versionCounter",
        "versionId",
    }
)
# What every document has, also when it came without; so that an answer sent back is no change.
EMPTY: dict[str, Any] = {
    "description": None,
    "nodes": [],
    "connections": {},
    "nodeGroups": [],
    "settings": {},
    "staticData": None,
    "pinData": None,
    "meta": None,
}


NUL = re.compile(rb"(?<!\\)((?:(?>\\\\))*+)\\u0000")
"""The character, as JSON writes it."""

DOCUMENT_KEYS = (
    SERVERS_OWN | EMPTY.keys() | {"nodeGroups", "parentFolderId", "hash", "ownedBy", "templateCredsSetupCompleted"}
)


class UnusableWorkflow(Exception):
    """The workflow cannot run, or not in the way that was asked for; the message says why and names the node."""


class WorkflowRules(Protocol):
    """What can run, according to the engine. Each method raises UnusableWorkflow."""

    def check_graph(self, document: Mapping[str, Any]) -> None:
        """Refuse what could not even be kept, as n8n does: doubled names, connections to nowhere."""

    def check_activation(self, document: Mapping[str, Any]) -> None:
        """Refuse what nothing starts, node types that are not known, and nodes that lack parameters or credentials."""

    def starts_by_expressions(self, document: dict[str, Any]) -> bool:
        """Whether `without_expressions` has anything to evaluate, which takes time."""

    def without_expressions(
        self, document: dict[str, Any], read_variables: Callable[[], dict[str, str]]
    ) -> dict[str, Any]:
        """The document with what its triggers say in expressions evaluated; these see the workflow, but no data.

        `read_variables` is called where one asks for variables.
        """

    def polling_nodes(self, document: Mapping[str, Any]) -> list[str]:
        """The names of the triggers that look for something new, and are switched on."""

    def listening_nodes(self, document: Mapping[str, Any]) -> list[str]:
        """The names of the triggers that hold a connection, and are switched on."""

    def called_nodes(
        self, document: Mapping[str, Any], read_variables: Callable[[], dict[str, str]]
    ) -> list[CalledNode]:
        """The triggers of packages that are called, with where; `read_variables` as in `without_expressions`."""

    def check_run(self, document: Mapping[str, Any], start_node: str | None) -> None:
        """Refuse what could not begin at this node, or at the default one. What lacks parameters begins, and fails."""

    def check_restart(self, data: bytes | None, node: str, run: int) -> bool:
        """Refuse a run of a node that is not in the data (JSON) of an execution, or where it cannot go on; says whether
        the execution had begun there."""

    def begins_at_failure(self, data: bytes | None) -> bool:
        """Whether an execution with this data (JSON) had failed at the node that it began at."""


class WorkflowBody(StrictSchema):
    """A workflow document as n8n exports it. Further keys are kept; those that the server owns are ignored."""

    class Meta(StrictSchema.Meta):
        unknown = INCLUDE

    name = name_field(128, required=True)
    nodes = BoundedList(fields.Dict(), required=True)
    connections = fields.Dict(required=True)
    settings = fields.Dict(allow_none=True)
    static_data = fields.Raw(allow_none=True, validate=check_scopes)
    pin_data = fields.Dict(allow_none=True)
    project_id = project_id_field("Where a new workflow goes; absent: the key's project, else the default one.")


class StrictWorkflowBody(WorkflowBody):
    """A workflow document that may hold nothing but what n8n's documents do."""

    @validates_schema(pass_original=True)
    def check_names(self, data: Mapping[str, Any], original: Mapping[str, Any], **kwargs: Any) -> None:
        """Raises ValidationError for fields that n8n's documents do not have, the first MAX_ERRORS by name."""
        if unknown := [name for name in original if name not in DOCUMENT_KEYS]:
            raise ValidationError({name: ["Unknown field."] for name in unknown[:MAX_ERRORS]})


class WorkflowListQuery(OffsetPageQuery):
    """Which workflows, and what to leave out of them."""

    active = fields.Boolean(truthy={"true", "True", True}, falsy={"false", "False", False})
    name = fields.String(
        validate=validate.Length(1, 128), metadata=describe("A part of the name, without regard to case.")
    )
    tags = fields.String(
        validate=validate.Length(1, 1024), metadata=describe("Names of tags, separated by commas; all must be there.")
    )
    project_id = fields.String(validate=validate.Length(1, 64))
    exclude_pinned_data = query_flag("Leave out pinData.")


class WorkflowChangeQuery(StrictSchema):
    """What becomes of an active workflow when it is changed."""

    publish_if_active = fields.Boolean(
        truthy={"true", "True"},
        falsy={"false", "False"},
        load_default=True,
        metadata=describe("false: the new version of an active workflow stays a draft."),
    )


class PublishBody(StrictSchema):
    """Which version to publish, and what it is called."""

    version_id = fields.String(
        allow_none=True, validate=validate.Length(0, 64), metadata=describe("Absent: the current version.")
    )
    name = fields.String(
        allow_none=True,
        validate=[validate.Length(0, 255), validate_printable],
        metadata=describe("What the version is called from now on."),
    )
    description = fields.String(allow_none=True, validate=validate.Length(0, 10_000))


class TransferBody(StrictSchema):
    """The project that a workflow or a credential is to belong to."""

    destination_project_id = fields.String(required=True, validate=validate.Length(1, 64))


class HistoryQuery(UuidPageQuery):
    """A page of a workflow's versions."""


class TestRunQuery(PageQuery):
    """A page of a workflow's evaluations."""

    status = fields.String(validate=validate.OneOf(("new", "running", "completed", "error", "cancelled")))


class WorkflowQuery(StrictSchema):
    """What to leave out of a workflow."""

    exclude_pinned_data = query_flag("Leave out pinData.")


class RunBody(StrictSchema):
    """How to start: all of it may be left out.

    Clients of n8n send what the trigger puts out as `data`, or as the whole body: an object with none of these names
    is one item.
    """

    class Meta(StrictSchema.Meta):
        unknown = INCLUDE

    data = fields.Raw(metadata=describe("The same as `input`; one object is one item.", example={"a": 1}))
    input = BoundedList(
        fields.Dict(),
        validate=validate.Length(1, 100_000),
        metadata=describe(
            "What the trigger puts out, plain objects or n8n's items; absent: its pinData, else one empty item.",
            example=[{"email": "customer@example.com"}],
        ),
    )
    start_node = name_field(255, metadata=describe("The trigger to start at; absent: the manual or first one."))
    wait = fields.Float(
        load_default=0.0,
        validate=validate.Range(0, 60),
        metadata=describe("Seconds to wait at most for the end of the execution before answering."),
    )

    @pre_load
    def read_data(self, given: Any, **_: Any) -> Any:
        """The body with what the trigger puts out as `input`. A name that is misspelt beside others is refused."""
        if not isinstance(given, dict) or not given:
            return given
        unknown = [name for name in given if name not in ("data", "input", "startNode", "wait")]
        if len(unknown) == len(given):
            return {"input": [given]}
        if unknown:
            raise ValidationError({name: ["Unknown field."] for name in unknown[:MAX_ERRORS]})
        if given.get("data") is None:
            return {name: value for name, value in given.items() if name != "data"}
        if "input" in given:
            raise ValidationError({"data": ["Stands for input: give one of them."]})
        data = given["data"]
        rest = {name: value for name, value in given.items() if name != "data"}
        return {**rest, "input": data if isinstance(data, list) else [data]}


def document_of(text: bytes) -> dict[str, Any]:
    """A workflow document as it was sent or stored."""
    document: dict[str, Any] = orjson.loads(text)
    return document


def definition_of(document: Mapping[str, Any]) -> bytes:
    """What is stored of a document: all but what the server owns, and what its executions change (static data).

    Raises ValidationError when it is too deep, or holds the character NUL: PostgreSQL gives out no part of such JSON.
    """
    own = {key: value for key, value in document.items() if key not in SERVERS_OWN}
    text = encode_json({**EMPTY, **own, "staticData": None})
    if b"\\u0000" in text and NUL.search(text):
        raise ValidationError("Must not contain the character NUL.")
    return text


def items_of(objects: list[dict[str, Any]]) -> bytes:
    """The objects that a caller gave as n8n's items; one that already is an item stays."""
    return encode_json([entry if is_item(entry) else {"json": entry} for entry in objects])


def is_item(entry: Mapping[str, Any]) -> bool:
    """Whether an object is an item in n8n's shape: `json`, perhaps `binary` and `pairedItem`, and nothing else."""
    return isinstance(entry.get("json"), dict) and entry.keys() <= {"json", "binary", "pairedItem"}
