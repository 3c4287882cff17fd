"""Stores the small tables: projects, tags, credentials, variables and what Remove Duplicates nodes have seen."""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from app.credentials.n8n import InstanceKey, WrongKey
from app.credentials.vault import Vault
from app.importing.n8n.options import ImportOptions
from app.importing.n8n.question_links import signing_secret
from app.importing.n8n.report import Report
from app.importing.n8n.row_savepoints import kept_apart
from app.importing.n8n.rows import Row, read_json, read_time, storable
from app.importing.n8n.source import Source, SourceError
from app.repository import imported_objects
from app.repository.connection import Connection
from app.repository.imported_objects import Times
from app.repository.projects import DEFAULT_PROJECT

NODE_CONTEXT = "n:"
NO_KEY = (
    "Credentials stay behind without n8n's encryption key: name the file that holds it with --encryption-key-file, or "
    "set N8N_ENCRYPTION_KEY."
)
KINDS = {"latestIncrementalKey": "number", "latestDate": "date"}


class Owners:
    """Which project an object of n8n goes to."""

    def __init__(self, source: Source, options: ImportOptions, report: Report) -> None:
        self._options = options
        self.projects = {str(row["id"]): row for row in source.rows("project")} if options.keep_projects else {}
        self._workflows = self._owners(source, "shared_workflow", "workflowId", "workflow:owner", report)
        self._credentials = self._owners(source, "shared_credentials", "credentialsId", "credential:owner", report)

    def _owners(self, source: Source, table: str, name: str, role: str, report: Report) -> dict[str, str]:
        if not self._options.keep_projects:
            return {}
        owners = {}
        for row in source.rows(table):
            if row.get("role") == role:
                owners[str(row[name])] = str(row["projectId"])
            elif row.get("role") is not None:
                report.note(f"{row[name]} is shared with the project {row['projectId']}; here one project sees it.")
        return owners

    def of_workflow(self, workflow_id: str) -> str:
        """The project here for a workflow there; that of the options where n8n names none."""
        return self.project(self._workflows.get(workflow_id))

    def of_credential(self, credential_id: str) -> str:
        """The project here for a credential there; that of the options where n8n names none."""
        return self.project(self._credentials.get(credential_id))

    def project(self, project_id: str | None) -> str:
        """The project here for one there; None: of none, or of an unknown one."""
        return str(project_id) if str(project_id) in self.projects else self._options.project


def times_of(row: Row) -> Times:
    """When the row's object was made and changed; now, where n8n does not say."""
    now = datetime.now(UTC)
    created_at = row.get("createdAt") or row.get("updatedAt") or now
    return Times(created_at=created_at, updated_at=max(row.get("updatedAt") or created_at, created_at))


def bring_projects(connection: Connection, owners: Owners, report: Report) -> None:
    """Store n8n's projects, where they are kept."""
    for project_id, row in owners.projects.items():
        name = storable(row.get("name")) or project_id
        with kept_apart(connection, report, "projects", f"The project {name:.100} ({project_id})"):
            imported_objects.add_project(connection, project_id, name, times_of(row))
            report.count("projects", "kept")


def bring_tags(connection: Connection, source: Source, report: Report) -> dict[str, str]:
    """Store the tags of workflows and of executions; returns the id here of each id there."""
    ids = {}
    for table in ("tag_entity", "annotation_tag_entity"):
        for row in source.rows(table):
            name = storable(row.get("name"))
            if not name:
                continue
            with kept_apart(connection, report, "tags", f"The tag {name:.100} ({row['id']})"):
                ids[str(row["id"])] = imported_objects.add_tag(connection, str(row["id"]), name, times_of(row))
                report.count("tags", "kept")
    return ids


def bring_credentials(
    connection: Connection, source: Source, options: ImportOptions, owners: Owners, vault: Vault, report: Report
) -> None:
    """Store the credentials, encrypted anew. Raises SourceError when the key opens none of them."""
    key = None if options.key is None else InstanceKey(options.key, source.rows("deployment_key"))
    closed: list[SourceError] = []
    opened = 0
    for row in source.rows("credentials_entity"):
        name, kind, credential_id = storable(row.get("name")), str(row["type"]), str(row["id"])
        try:
            data = _decrypt_data(row, key)
        except SourceError as error:
            closed.append(error)
            continue
        if data is None:
            report.count("credentials", "left behind")
            holds_nothing = f"The credential {name:.100} ({credential_id}) stays behind: it holds nothing."
            report.note(NO_KEY if key is None else holds_nothing)
            continue
        opened += 1
        secret = vault.encrypt(credential_id, kind, data)
        with kept_apart(connection, report, "credentials", f"The credential {name:.100} ({credential_id})"):
            stored = imported_objects.save_credential(
                connection,
                credential_id,
                name=name or kind,
                type=kind,
                project_id=owners.of_credential(credential_id),
                secret=secret,
                times=times_of(row),
            )
            report.count("credentials", "stored" if stored else "unchanged")
    if closed and not opened:  # it is the key, and not a damaged credential
        raise closed[0]
    for failure in closed:
        report.count("credentials", "left behind")
        report.note(str(failure))


def _decrypt_data(row: Row, key: InstanceKey | None) -> dict[str, Any] | None:
    """What a credential holds; None where it is encrypted and no key is given, and where there is nothing."""
    data = row.get("data")
    if isinstance(data, dict):  # n8n exported it decrypted
        return data
    if key is None or not isinstance(data, str):
        return None
    try:
        opened = read_json(key.decrypt(data))
    except (WrongKey, ValueError) as error:
        raise SourceError(
            f"The credential {row.get('name')!r} ({row['id']}) cannot be decrypted: {error}. n8n's key is in "
            "N8N_ENCRYPTION_KEY, or in the file `config` of its home folder as `encryptionKey`."
        ) from None
    return opened if isinstance(opened, dict) else {}


def find_signing_secret(source: Source, options: ImportOptions, report: Report) -> str | None:
    """What n8n signs the links with by which people answer; None where that cannot be known."""
    if options.key is None or options.link_secret is not None:
        return options.link_secret
    try:
        return signing_secret(options.key, source.rows("deployment_key"))
    except WrongKey as error:
        report.note(f"Links by which people answer what executions ask will not work: what signs them: {error}.")
        return None


def bring_variables(
    connection: Connection, source: Source, options: ImportOptions, owners: Owners, report: Report
) -> None:
    """Store the variables: those of all projects for all projects, unless everything goes into one that was named."""
    for row in source.rows("variables"):
        key, project = storable(row.get("key")), row.get("project")
        owner = row.get("projectId") or (project.get("id") if isinstance(project, dict) else None)
        everywhere = owner is None and options.project == DEFAULT_PROJECT
        with kept_apart(connection, report, "variables", f"The variable {key:.100} ({row['id']})"):
            same = imported_objects.save_variable(
                connection,
                str(row["id"]),
                key=key,
                value=storable(row.get("value")),
                type=str(row.get("type") or "string"),
                project_id=None if everywhere else owners.project(owner),
            )
            report.count("variables", "kept" if same else "that have another value here")
            if not same:
                report.note(f"The variable {key} has another value here, which stays.")


def bring_histories(connection: Connection, source: Source, report: Report, is_here: Callable[[str], bool]) -> None:
    """Bring what Remove Duplicates nodes have seen, of workflows that are here."""
    for row in source.rows("processed_data"):
        workflow_id, context = str(row["workflowId"]), str(row.get("context") or "")
        if not is_here(workflow_id):
            continue
        scope = f"node:{context.removeprefix(NODE_CONTEXT)}" if context.startswith(NODE_CONTEXT) else "workflow"
        try:
            kind, values, highest = _read_history(read_json(row["value"]))
        except (KeyError, TypeError, ValueError, binascii.Error):
            report.count("deduplication histories", "unreadable")
            continue
        with kept_apart(connection, report, "deduplication histories", f"What {workflow_id} has seen ({scope})"):
            added = imported_objects.add_history(connection, workflow_id, scope, kind, values=values, highest=highest)
            report.count("deduplication histories", "kept" if added else "of another kind here")


def _read_history(value: dict[str, Any]) -> tuple[str, list[bytes], float | None]:
    """The kind of a history, the MD5 of each value, and the highest value. Raises KeyError, TypeError, ValueError."""
    mode, data = value["mode"], value["data"]
    if mode == "entries":
        return "values", list(dict.fromkeys(base64.b64decode(each, validate=True) for each in data)), None
    kind = KINDS[mode]
    return kind, [], float(data) if kind == "number" else read_time(data).timestamp() * 1000
