"""n8n's packages of workflows (.n8np): a gzip-compressed tar with a manifest and a folder for each workflow."""

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from marshmallow import ValidationError, fields, validate

from app.schemas.base import OBJECT_ID, BoundedList, CamelSchema, StrictSchema
from app.schemas.tags import NameBody
from app.schemas.tar_entries import files_of

FORMAT_VERSION = "1"
MAX_WORKFLOWS = 300
MAX_FILES = 4 * MAX_WORKFLOWS
MAX_BYTES = 64 * 2**20
"""How many bytes an archive may unpack to."""
MAX_VALUES = 1_000_000
"""In all files together: an empty array takes two bytes there, and 56 once it is read."""
NOT_READABLE = "Failed to read package archive"
MAX_NAMED = 1_000
"""How many credentials, and how many tags, a package may name."""
NAME_OF_TAG = NameBody()
NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


ABSENT = "Variables, data tables, projects and folders do not travel."


def one_of(default: str, *others: str, description: str) -> fields.String:
    """A field that says one of these words, the first when it is absent."""
    words = (default, *others)
    return fields.String(load_default=default, validate=validate.OneOf(words), metadata={"description": description})


class ExportBody(StrictSchema):
    """Which workflows to export."""

    workflow_ids = BoundedList(
        fields.String(validate=validate.Length(1, 64)), required=True, validate=validate.Length(1, MAX_WORKFLOWS)
    )
    credential_export_policy = fields.String(
        validate=validate.OneOf(("expression-values-only", "no-values")),
        metadata={"description": "Whatever it says, what credentials hold never leaves."},
    )
    include_variable_values = fields.Boolean(metadata={"description": "Variables do not travel."})
    include_tags = fields.Boolean(load_default=True, metadata={"description": "Whether the workflows' tags travel."})
    include_archived_workflows = fields.Boolean(metadata={"description": "Workflows that are named always travel."})
    missing_workflow_dependency_policy = fields.String(
        load_default="fail",
        validate=validate.OneOf(("fail", "reference-only", "include-in-package")),
        metadata={"description": "What becomes of sub-workflows that are not named."},
    )


class ImportForm(StrictSchema):
    """The fields of the form that an archive comes in."""

    workflow_conflict_policy = fields.String(required=True, validate=validate.OneOf(("new-version", "fail", "skip")))
    project_id = fields.String(validate=validate.Length(0, 64))
    bindings = fields.String(
        validate=validate.Length(max=200_000),
        metadata={"description": 'What stands for credentials: {"credentials": {"id there": "id here"}}.'},
    )
    workflow_id_policy = fields.String(load_default="source", validate=validate.OneOf(("new", "source")))
    credential_matching_mode = one_of(
        "id-only", "name-and-type", "type-only", description="What finds the credentials that stand for the package's."
    )
    credential_missing_mode = fields.String(
        load_default="create-stub", validate=validate.OneOf(("create-stub", "must-preexist"))
    )
    missing_node_type_mode = fields.String(validate=validate.OneOf(("fail", "import-anyway")))
    workflow_publishing_policy = one_of(
        "preserve-published-state",
        "match-source",
        "publish-all",
        "unpublish-all",
        description="What becomes of the workflows' triggers once all is stored.",
    )
    tag_missing_mode = one_of(
        "create", "do-nothing", description="What becomes of tags that are not here, by their id."
    )
    tag_conflict_policy = one_of(
        "skip", "fail", "rename", description="What becomes of tags that have another name or id here."
    )
    # Of what does not travel: any of n8n's words may be said of it.
    data_table_matching_mode = one_of("by-id", description=ABSENT)
    data_table_missing_mode = one_of("create", "must-preexist", "do-nothing", description=ABSENT)
    data_table_schema_conflict_policy = one_of("keep-existing", "fail", description=ABSENT)
    variable_missing_mode = one_of(
        "create-with-value", "create-stub", "must-preexist", "do-nothing", description=ABSENT
    )
    variable_conflict_policy = one_of("keep-existing", "overwrite", "fail", description=ABSENT)
    variable_parent_policy = one_of("project", "global", description=ABSENT)
    project_conflict_policy = one_of("merge", "fail", "overwrite", description=ABSENT)
    folder_conflict_policy = one_of("merge", "fail", "overwrite", description=ABSENT)
    overwrite_deletion_policy = one_of("archive", "hard-delete", description=ABSENT)


class ImportedWorkflowSchema(CamelSchema):
    """What became of a workflow of a package: its id there and here. One that was skipped is here as it was."""

    source_workflow_id = fields.String(required=True)
    local_id = fields.String(required=True)
    name = fields.String(required=True)
    project_id = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("created", "updated", "skipped")))


class ImportAnswerSchema(CamelSchema):
    """What became of a package."""

    package = fields.Dict(required=True)
    workflows = fields.List(fields.Nested(ImportedWorkflowSchema), required=True)
    bindings = fields.Dict(required=True)
    credentials = fields.Dict(required=True)


def read_bindings(text: str | None) -> dict[str, str]:
    """The credentials that are to stand for those of a package, by their ids there. Raises ValidationError."""
    try:
        bindings = orjson.loads(text or "{}")
    except ValueError:
        bindings = None
    named = (
        bindings.get("credentials", {}) if isinstance(bindings, dict) and bindings.keys() <= {"credentials"} else None
    )
    if not isinstance(named, dict) or not all(isinstance(i, str) and OBJECT_ID.fullmatch(i) for i in named.values()):
        raise ValidationError({"bindings": ['Must be JSON as {"credentials": {"id there": "id here"}}.']})
    return named


@dataclass(frozen=True, slots=True)
class Archive:
    """What was in a package: `source` says where it is from; workflows and credentials as their files say.

    `tags` are the names of tags by their ids. `published`, by ids of workflows: True where the version in the package
    was published, False where none was; a workflow of which another version was published is left out.
    """

    source: dict[str, Any]
    workflows: list[dict[str, Any]]
    credentials: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    published: dict[str, bool] = field(default_factory=dict)


def write_archive(manifest: Mapping[str, Any], files: Mapping[str, Any]) -> bytes:
    """A package of these JSON documents by their paths."""
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w") as archive:
        for path, document in {"manifest.json": manifest, **files}.items():
            text = orjson.dumps(document, option=orjson.OPT_INDENT_2)
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return gzip.compress(tarred.getvalue(), mtime=0)


def read_archive(data: bytes) -> Archive:
    """What a package holds. Raises ValidationError for one that cannot be read, is too large, or lacks a file."""
    files = read_files(data)
    manifest = files.get("manifest.json")
    if not isinstance(manifest, dict) or manifest.get("packageFormatVersion") != FORMAT_VERSION:
        raise ValidationError(f"The package has no manifest.json of format {FORMAT_VERSION}")
    entries = manifest.get("workflows")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_WORKFLOWS:
        raise ValidationError(f"The package must hold 1 to {MAX_WORKFLOWS} workflows")
    workflows = [file_of(files, entry, "workflow.json") for entry in entries]
    requirements = manifest.get("requirements")
    asked = requirements.get("credentials") if isinstance(requirements, dict) else None
    credentials = {each["id"]: each for each in asked if is_credential(each)} if isinstance(asked, list) else {}
    source = {key: manifest.get(key) for key in ("sourceN8nVersion", "sourceId", "exportedAt")}
    named = manifest.get("tags")
    tags = {each["id"]: each["name"] for each in named if is_tag(each)} if isinstance(named, list) else {}
    if len(credentials) > MAX_NAMED or len(tags) > MAX_NAMED:
        raise ValidationError(f"The package names more than {MAX_NAMED:,} credentials or tags")
    published = {}
    for entry, workflow in zip(entries, workflows, strict=True):
        metadata = files.get(f"{entry['target']}/workflow-metadata.json")
        version = metadata.get("publishedVersionId") if isinstance(metadata, dict) else None
        if version is None or version == workflow.get("versionId"):
            published[str(workflow.get("id"))] = version is not None
    return Archive(source, workflows, credentials, tags, published)


def is_tag(entry: Any) -> bool:
    """Whether this names a tag as a manifest does, and one that can be stored."""
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(key), str) for key in ("id", "name"))
        and OBJECT_ID.fullmatch(entry["id"]) is not None
        and not NAME_OF_TAG.validate({"name": entry["name"]})
    )


def is_credential(entry: Any) -> bool:
    """Whether this names a credential as a manifest does."""
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(key), str) and 0 < len(entry[key]) <= 128 for key in ("id", "name", "type"))
        and OBJECT_ID.fullmatch(entry["id"]) is not None
    )


def file_of(files: Mapping[str, Any], entry: Any, name: str) -> dict[str, Any]:
    """The file of an entry of the manifest. Raises ValidationError."""
    path = f"{entry.get('target')}/{name}" if isinstance(entry, dict) else ""
    document = files.get(path)
    if not isinstance(document, dict):
        raise ValidationError(f"The package has no {path or name}")
    return document


def read_files(data: bytes) -> dict[str, Any]:
    """The JSON documents of an archive by their paths. Raises ValidationError."""
    unpacker = zlib.decompressobj(wbits=31)
    files: dict[str, Any] = {}
    values = 0
    try:
        tarred = unpacker.decompress(data, MAX_BYTES)
        if unpacker.unconsumed_tail:
            raise ValidationError(f"The package unpacks to more than {MAX_BYTES // 2**20} MB")
        for number, (name, content) in enumerate(files_of(tarred)):
            values += content.count(b",") + content.count(b"[") + content.count(b"{")
            if number >= MAX_FILES:
                raise ValidationError(f"The package holds more than {MAX_FILES} files")
            if values > MAX_VALUES:
                raise ValidationError(f"The package holds more than {MAX_VALUES:,} values")
            files[name] = orjson.loads(content)
    except (zlib.error, ValueError):
        raise ValidationError(NOT_READABLE) from None
    return files


def folder_of(name: str, identifier: str) -> str:
    """The folder of something in a package: what of its name can stand in a path, and its id."""
    readable = NOT_IN_A_NAME.sub("-", name.lower()).strip("-")[:60]
    return f"{readable}-{identifier}" if readable else identifier


def credentials_of(nodes: Iterable[Any]) -> dict[str, dict[str, str]]:
    """The credentials that nodes name, by their ids, each with its type."""
    credentials: dict[str, dict[str, str]] = {}
    for node in nodes:
        named = node.get("credentials") if isinstance(node, dict) else None
        for kind, credential in named.items() if isinstance(named, dict) else ():
            if isinstance(credential, dict) and isinstance(credential.get("id"), str):
                credentials[credential["id"]] = {"id": credential["id"], "type": kind}
    return credentials


def sub_workflows_of(nodes: Iterable[Any]) -> set[str]:
    """The ids of the workflows that nodes call, where these stand in the document."""
    ids = set()
    for node in nodes:
        if isinstance(node, dict) and node.get("type") == "n8n-nodes-base.executeWorkflow":
            parameters = node.get("parameters")
            named = parameters.get("workflowId") if isinstance(parameters, dict) else None
            text = named.get("value") if isinstance(named, dict) else named
            if isinstance(text, str) and OBJECT_ID.fullmatch(text):
                ids.add(text)
    return ids


def with_credentials(nodes: list[Any], ids: Mapping[str, str]) -> list[Any]:
    """The nodes with the ids of credentials replaced by those that stand for them here."""
    return [
        {**node, "credentials": {kind: rebound(each, ids) for kind, each in node["credentials"].items()}}
        if isinstance(node, dict) and isinstance(node.get("credentials"), dict)
        else node
        for node in nodes
    ]


def rebound(credential: Any, ids: Mapping[str, str]) -> Any:
    """The credential of a node, with the id that it has here; `ids` are those of here by those of the archive."""
    given = credential.get("id") if isinstance(credential, dict) else None
    return {**credential, "id": ids[given]} if isinstance(given, str) and given in ids else credential
