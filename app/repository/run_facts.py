"""Reads what stands in a run of a node beside its data: times, sources, errors, tries, sub-executions.

An index stores these for each run. Values of another type than expected are left out.
"""

from typing import Any

import msgspec

from app.repository.run_index import IndexedError, IndexedSource, IndexedTry, SubExecution

MAX_TEXT_LENGTH = 2_000
"""Characters of an error's text that are kept."""
NOTHING = msgspec.Raw(b"{}")


class _Source(msgspec.Struct, rename="camel"):
    previous_node: str
    previous_node_output: int = 0
    previous_node_run: int = 0


class _SubExecution(msgspec.Struct, rename="camel"):
    execution_id: str
    workflow_id: str | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    sub_execution: _SubExecution | None = None


class _Try(msgspec.Struct, rename="camel"):
    start_time: float
    execution_time: float
    error: str | None = None


class _Tried(msgspec.Struct):
    tries: list[_Try] = []


class _Started(msgspec.Struct, rename="camel"):
    sub_executions: list[str] = []


class Facts(msgspec.Struct, rename="camel"):
    """What stands in a run beside its data."""

    execution_index: int | None = None
    start_time: float | None = None
    execution_time: float | None = None
    execution_status: str | None = None
    source: list[_Source | None] | None = None
    error: Any = None
    hints: list[Any] | None = None
    metadata: msgspec.Raw = NOTHING


_facts = msgspec.json.Decoder(Facts)
_metadata = msgspec.json.Decoder(_Metadata)
_tried = msgspec.json.Decoder(_Tried)
_started = msgspec.json.Decoder(_Started)


def failure_of(error: Any) -> IndexedError | None:
    """What of a recorded error an index keeps."""
    if not isinstance(error, dict):
        return None
    texts = {name: truncate(error.get(name)) for name in ("message", "name", "description")}
    node = error.get("node")
    name = node.get("name") if isinstance(node, dict) else node
    return IndexedError(texts["message"] or "", texts["name"], texts["description"], truncate(name))


def source_of(source: _Source | None) -> IndexedSource | None:
    """Whose output an input was, as an index keeps it."""
    if source is None:
        return None
    return IndexedSource(source.previous_node, source.previous_node_output, source.previous_node_run)


def truncate(text: Any) -> str | None:
    """The text, cut where it is long; None where there is none."""
    return text[:MAX_TEXT_LENGTH] if isinstance(text, str) else None


def facts_of(run: msgspec.Raw) -> Facts:
    """What stands in a run beside its data; nothing where some of it is not as it should be."""
    try:
        return _facts.decode(run)
    except msgspec.ValidationError:
        return Facts()


def sub_execution_of(metadata: msgspec.Raw) -> SubExecution | None:
    """The execution that a run's metadata says it has started."""
    try:
        reference = _metadata.decode(metadata).sub_execution
    except msgspec.ValidationError:
        return None
    return None if reference is None else SubExecution(reference.execution_id, reference.workflow_id)


def tries_of(metadata: msgspec.Raw) -> list[IndexedTry]:
    """How the node was tried, as a run's metadata says where it was so more than once."""
    try:
        tries = _tried.decode(metadata).tries
    except msgspec.ValidationError:
        return []
    return [IndexedTry(each.start_time, each.execution_time, truncate(each.error)) for each in tries]


def sub_executions_of(metadata: msgspec.Raw) -> list[str]:
    """The executions that a run's metadata says it has started, where they are several."""
    try:
        return _started.decode(metadata).sub_executions
    except msgspec.ValidationError:
        return []
