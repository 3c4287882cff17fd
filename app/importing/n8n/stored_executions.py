"""An execution from a row of n8n's database, wherever its data is kept."""

from typing import Any

from app.importing.n8n.files_of_runs import BUCKETS, LARGEST, STORAGE, FileTooLarge, InBucket, NoFolder, RunFiles
from app.importing.n8n.rows import UNREADABLE, Row, normalise, read_json
from app.importing.n8n.source import SourceExecution

BUNDLE = "workflows/{workflow}/executions/{id}/execution_data/bundle.json"


def read_stored(row: Row, files: RunFiles) -> SourceExecution:
    """The execution of a row that `executions_query` has found."""
    parts = {name: row.pop(name, None) for name in ("flatted", "ran", "metadata", "vote", "note", "tags")}
    execution = SourceExecution(
        row=normalise(row),
        flatted=parts["flatted"],
        workflow=_ran(parts["ran"], row),
        metadata=[(str(key), str(value)) for key, value in _parse_text(parts["metadata"]) or ()],
        vote=parts["vote"],
        note=parts["note"],
        tags=_parse_text(parts["tags"]) or (),
    )
    place, size = row.get("storedAt") or "db", row.pop("flatted_bytes", None)
    if not isinstance(execution.flatted, str | None):
        execution.flatted, execution.missing = None, "its data cannot be read: it is no text"
        return execution
    if execution.flatted is None:
        if size is not None:
            execution.missing = too_large(files.most_bytes)
        elif place == "fs" or place in BUCKETS:
            _read_bundle(execution, files, place)
        elif place != "db":
            execution.missing = f"its data is kept in {place}, which is not read"
        else:
            execution.missing = "n8n has no data of it"
    return execution


def _ran(value: Any, row: Row) -> Any:
    """The workflow that ran; None where it cannot be read, which the row says."""
    try:
        return _parse_text(value)
    except ValueError:
        row[UNREADABLE] = [*row.get(UNREADABLE, ()), "workflowData"]
        return None


def _read_bundle(execution: SourceExecution, files: RunFiles, place: str) -> None:
    name = BUNDLE.format(workflow=execution.row.get("workflowId"), id=execution.id)
    try:
        content = files.read_path(name, place)
    except FileTooLarge:
        execution.missing = too_large(files.most_bytes)
        return
    except NoFolder:
        execution.missing = f"its data is kept in files {STORAGE}"
        return
    except InBucket as error:
        execution.missing = f"its data is in {error}"
        return
    if content is None:
        execution.missing = "its data is not in n8n's storage folder"
        return
    try:
        bundle = read_json(content)
        if not isinstance(bundle["data"], str):
            raise TypeError
        execution.flatted = bundle["data"]
        execution.workflow = execution.workflow or bundle.get("workflowData")
    except (KeyError, TypeError, ValueError):
        execution.missing = "its data in n8n's storage folder cannot be read"


def too_large(most_bytes: int) -> str:
    """What is said of data above the bound."""
    return f"data of more than {most_bytes // 2**20} MiB is not brought {LARGEST}"


def _parse_text(value: Any) -> Any:
    return read_json(value) if isinstance(value, str | bytes) else value
