"""What an execution of n8n is here: its state, its data, and what is lost on the way."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import orjson

from app.engine.run.document import RunDocument
from app.engine.run.groups import as_group
from app.engine.run.preview import preview
from app.importing.n8n.binary import BinaryReader
from app.importing.n8n.files_of_runs import AGAIN, LARGEST, STORAGE
from app.importing.n8n.flatted import UnreadableFlatted, replace_lone_surrogates, unflatten
from app.importing.n8n.question_links import ENDPOINT, question_signatures
from app.importing.n8n.rows import UNREADABLE, Row, read_id, storable
from app.importing.n8n.source import SourceExecution
from app.importing.n8n.stored_executions import too_large
from app.importing.n8n.sub_workflows import CALLS_SEVERAL, calls_several, name_child, parent_of
from app.repository.failure_patterns import MAX_NODE_LENGTH
from app.repository.import_leftovers import Leftover
from app.repository.imported_waits import Wait
from app.repository.imports import ImportedExecution
from app.triggers.forms import WAIT, asks_people
from app.vocabulary import ENDED, MODES, Mode, Status

UNFINISHED = ("new", "running")
"""Statuses of what n8n still works on: brought when they have ended."""

EARLIER_STATUSES = {"failed": "error"}
"""What n8n called a status in its first versions."""

BEGINNING = datetime.fromtimestamp(0, UTC)
"""No execution is older."""
CLOCKS_DIFFER = timedelta(hours=1)
"""How far n8n's clock may be ahead of this one."""

MAX_MESSAGE_LENGTH = 10_000
NO_LIMIT = datetime(2999, 1, 1, tzinfo=UTC)
"""n8n writes that an execution waits for a call without a limit as a time from here on."""
FOR_A_TIME = ("timeInterval", "specificTime")
"""What Wait nodes resume on that no call ends."""

MAX_SIZE = 256 * 2**20
"""Characters that the data of one execution may come to when it is written out."""


@dataclass(slots=True)
class Losses:
    """What of an execution could not be brought, in sentences that can be counted."""

    reasons: list[str] = field(default_factory=list)

    def add(self, reason: str) -> None:
        """Note one loss; the sentence is the same for every execution that has it."""
        self.reasons.append(reason)

    def leftover(self, execution_id: int, most_bytes: int) -> Leftover | None:
        """What brings more of the execution, of which `most_bytes` were read: better luck, the folder of files, or a
        higher bound. None where nothing does."""
        again, folder, above = (any(each.endswith(what) for each in self.reasons) for what in (AGAIN, STORAGE, LARGEST))
        if not (again or folder or above):
            return None
        if again:
            return Leftover(execution_id)
        return Leftover(execution_id, needs_folder=folder, needs_above=most_bytes if above else None)


class ExecutionMapper:
    """Makes records of this program from executions of n8n.

    `version_of` names the version of the workflow that ran (and stores it where it is not known yet), `project_of`
    the project of a workflow, `tag_of` a tag's id here by the one there. No data above `most_bytes` is brought. n8n has
    signed the links by which people answer with `signing_secret` (None: nobody knows), at `waiting_endpoint`.
    """

    def __init__(
        self,
        *,
        version_of: Callable[[SourceExecution], UUID],
        project_of: Callable[[str], str],
        tag_of: Callable[[str], str | None],
        read_file: Callable[[str], bytes | None],
        most_bytes: int,
        signing_secret: str | None = None,
        waiting_endpoint: str = ENDPOINT,
    ) -> None:
        self._version_of, self._project_of, self._tag_of = version_of, project_of, tag_of
        self._read_file, self._most_bytes = read_file, most_bytes
        self._signing_secret, self._waiting_endpoint = signing_secret, waiting_endpoint
        self._latest = BEGINNING
        self._now = datetime.now(UTC) + CLOCKS_DIFFER

    def start_after(self, created_at: datetime | None) -> None:
        """What comes next in order is no older than this: the newest that an earlier run has brought."""
        if created_at is not None:
            self._latest = max(self._latest, created_at)

    def record(self, execution: SourceExecution, *, in_order: bool = True) -> tuple[ImportedExecution, Losses]:
        """The execution as it is stored here.

        `in_order`: it has a higher id than those before, so it must not be older than they are; lists find a time by
        halving the ids.
        """
        losses = Losses()
        row = execution.row
        status = _status(row, losses)
        for name in row.get(UNREADABLE, ()):
            losses.add(f"its {name} cannot be read")
        document = self._document(execution, losses)
        child = name_child(document) if document is not None and status == "waiting" else None
        data = self._encode_data(document, losses)
        error_node, error_message = _error(document, status)
        mode, retry_of = _mode(row, losses)
        started_at = row.get("startedAt")
        created_at = self._time(row, losses, in_order=in_order)
        return (
            ImportedExecution(
                id=execution.id,
                workflow_id=row["workflowId"],
                version_id=self._version_of(execution),
                project_id=self._project_of(row["workflowId"]),
                status=status,
                mode=mode,
                created_at=created_at,
                started_at=started_at,
                stopped_at=(row.get("stoppedAt") or started_at or created_at) if status in ENDED else None,
                retry_of=retry_of,
                retry_success_id=read_id(row.get("retrySuccessId")),
                parent_id=None if document is None else parent_of(document),
                vote=execution.vote if execution.vote in ("up", "down") else None,
                note=storable(execution.note) or None,
                error_node=error_node,
                error_message=error_message,
                data=data,
                input_preview=None if data is None else _preview(document),
                wait=self._wait(row, document, child, losses) if status == "waiting" else None,
                metadata=[(storable(key), storable(value)) for key, value in execution.metadata],
                tags=[tag for tag in map(self._tag_of, execution.tags) if tag is not None],
            ),
            losses,
        )

    def _time(self, row: Row, losses: Losses, *, in_order: bool) -> datetime:
        """When the execution was created, as far as n8n says it and what came before allows it."""
        created_at = row.get("createdAt") or row.get("startedAt") or row.get("stoppedAt") or self._latest
        if not BEGINNING <= created_at <= self._now:  # damage, which must not move all that follows
            losses.add(f"its time, {created_at:%Y-%m-%d}, became that of its neighbours")
            created_at = self._latest
        if in_order:
            self._latest = created_at = max(created_at, self._latest)
        return cast(datetime, created_at)

    def _wait(self, row: Row, document: dict[str, Any] | None, child: int | None, losses: Losses) -> Wait:
        """Until when, or for what (`child`: an execution), it waits; and with what its links are signed."""
        till = row.get("waitTill")
        limited = till is not None and till < NO_LIMIT
        due = RunDocument(document).due_node if document else None
        due = due if isinstance(due, dict) else None
        ends_by_call = not limited or (due is not None and _ends_by_call(due))
        if child is None and due is not None and calls_several(due):
            losses.add(CALLS_SEVERAL)
        token = document.get("resumeToken") if document else None
        signatures = None
        if due is not None and isinstance(token, str) and asks_people(due):
            if self._signing_secret is None:
                losses.add("the links by which people answer what it asks need n8n's encryption key")
            else:
                signatures = question_signatures(self._signing_secret, int(row["id"]), due, self._waiting_endpoint)
        return Wait(
            till=till if limited else None,
            resume_on="child" if child is not None else "webhook" if ends_by_call else None,
            node=encode_document(due) if due is not None and (ends_by_call or child is not None) else None,
            token=token if isinstance(token, str) else None,
            question_signatures=signatures,
            child=child,
        )

    @staticmethod
    def _encode_data(document: dict[str, Any] | None, losses: Losses) -> bytes | None:
        if document is None:
            return None
        try:
            return encode_document(document)
        except UnreadableFlatted as error:
            losses.add(f"its data cannot be read: {error}")
            return None

    def _document(self, execution: SourceExecution, losses: Losses) -> dict[str, Any] | None:
        document = execution.document
        if execution.flatted is not None:
            if len(execution.flatted) > self._most_bytes:
                losses.add(too_large(self._most_bytes))
                return None
            try:
                document = unflatten(execution.flatted, most_size=MAX_SIZE)
            except UnreadableFlatted as error:
                losses.add(f"its data cannot be read: {error}")
                return None
        if not isinstance(document, dict):
            losses.add(execution.missing or "its data cannot be read: it is not an object")
            return None
        if not is_run(document):
            losses.add("its data cannot be read: it is not laid out as what n8n keeps of a run")
            return None
        return BinaryReader(self._read_file, self._most_bytes, losses.add).inline(document, execution.flatted)


def _ends_by_call(node: dict[str, Any]) -> bool:
    """Whether a call ends the wait of a node that waits until a time; else nothing but that time does."""
    resume = as_group(node.get("parameters")).get("resume", FOR_A_TIME[0])
    return node.get("type") != WAIT or resume not in FOR_A_TIME


def is_run(document: dict[str, Any]) -> bool:
    """Whether the document is laid out as RunDocument reads it, as far as all that reads it counts on."""
    result, due = document.get("resultData"), document.get("executionData")
    if not (isinstance(result, dict | None) and isinstance(due, dict | None)):
        return False
    run_data, stack = (result or {}).get("runData"), (due or {}).get("nodeExecutionStack")
    if not (isinstance(run_data, dict | None) and isinstance(stack, list | None)):
        return False
    return all(_holds_objects(runs) for runs in (*(run_data or {}).values(), stack or []))


def _holds_objects(value: Any) -> bool:
    """Whether it is a list of objects; n8n leaves gaps between runs, which are null."""
    return isinstance(value, list) and all(isinstance(each, dict | None) for each in value)


def encode_document(document: dict[str, Any]) -> bytes:
    """The document as JSON. Raises UnreadableFlatted for one that is nested too deeply."""
    try:
        return orjson.dumps(document)
    except TypeError:
        pass
    try:  # half of a surrogate pair, which UTF-8 cannot hold
        return replace_lone_surrogates(json.dumps(document, ensure_ascii=False)).encode()
    except (RecursionError, TypeError):
        raise UnreadableFlatted("it is nested too deeply") from None


def _preview(document: dict[str, Any] | None) -> bytes | None:
    """What lists show of what it began with; nothing where the data is not laid out as a run's."""
    try:
        shown = preview(RunDocument(document or {}))
        return None if shown is None else orjson.dumps(shown)
    except (AttributeError, KeyError, TypeError):
        return None


def _status(row: Row, losses: Losses) -> Status:
    status = row.get("status")
    if status is None:  # before n8n had the column
        status = "success" if row.get("finished") else "waiting" if row.get("waitTill") else "error"
    status = EARLIER_STATUSES.get(status, status)
    if status not in (*ENDED, "waiting"):
        losses.add(f"status {status} became crashed")
        return "crashed"
    return cast(Status, status)


def _mode(row: Row, losses: Losses) -> tuple[Mode, int | None]:
    mode, retry_of = row.get("mode"), read_id(row.get("retryOf"))
    if mode == "retry" and retry_of is None:
        losses.add("a retry that does not name what it retries became manual")
        return "manual", None
    if mode not in MODES:
        losses.add(f"mode {mode} became internal")
        return "internal", retry_of
    return cast(Mode, mode), retry_of


def _error(document: dict[str, Any] | None, status: Status) -> tuple[str | None, str | None]:
    """Which node failed and what it said."""
    if document is None or status == "success":
        return None, None
    run = RunDocument(document)
    error = run.error
    if not isinstance(error, dict):
        return None, None
    node = error.get("node")
    name = node.get("name") if isinstance(node, dict) else run.last_node
    message = error.get("message")
    return (
        storable(name)[:MAX_NODE_LENGTH] if isinstance(name, str) else None,
        storable(message)[:MAX_MESSAGE_LENGTH] if isinstance(message, str) else None,
    )
