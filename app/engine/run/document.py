"""n8n's document of a run, as clients read it and as an interrupted run is taken up from: the one place that opens it.

Its shape: {"version": 1, "startData", "resultData": {"runData", "error", "lastNodeExecuted", "metadata", "pinData"},
"executionData": {"contextData", "nodeExecutionStack", "metadata", "waitingExecution", "waitingExecutionSource"}}, and
"waitTill" while the run waits. Knows no graph and no state.
"""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]
CHILDREN = "subExecutions"
"""Of what is written down about a node that is due: the executions of the sub-workflows that it has started already. In
the metadata of a run of a node: those that it has started, where they are several; n8n has a run name one at most."""
OVERRIDE = "inputOverride"
"""In a run of a node: what it was given by others than its sources, by type of connection. Of what is written down
about a node that is due: whether its first input is such."""
TRIES = "tries"
"""In the metadata of a run of a node, and of a node that is due: when it was tried, and why it failed."""
BEGUN = (CHILDREN, TRIES)
"""Of what is written down about a node that is due: what it has begun, and a retry begins anew."""


class RunDocument:
    """Reads a run's document. What is missing reads as empty; the document itself is not changed."""

    __slots__ = ("_due", "_result", "data")

    def __init__(self, data: Json) -> None:
        self.data = data
        self._result: Json = data.get("resultData") or {}
        self._due: Json = data.get("executionData") or {}

    @property
    def run_data(self) -> dict[str, list[Json]]:
        """The runs of each node, by its name."""
        return self._result.get("runData") or {}

    @property
    def error(self) -> Json | None:
        """The error that the run ended with; None when it did not fail."""
        return self._result.get("error") or None

    @property
    def last_node(self) -> str | None:
        """The name of the node that ran last."""
        return self._result.get("lastNodeExecuted")

    @property
    def first_node(self) -> str | None:
        """The name of the node that the run began at."""
        return min(self.run_data, key=lambda name: self.run_data[name][0].get("executionIndex", 0), default=None)

    @property
    def custom_data(self) -> dict[str, str]:
        """What the workflow has set with `$execution.customData`."""
        return self._result.get("metadata") or {}

    @property
    def pin_data(self) -> dict[str, list[Json]]:
        """The items that stand in for the output of nodes, by the name of the node."""
        return self._result.get("pinData") or {}

    @property
    def context_data(self) -> dict[str, Json]:
        """What nodes keep from run to run, by `node:` and their name."""
        return self._due.get("contextData") or {}

    @property
    def metadata(self) -> dict[str, list[Json]]:
        """Which runs of sub-nodes there were: {"subRun": [{"node", "runIndex"}]} for each, by their names."""
        return self._due.get("metadata") or {}

    @property
    def stack(self) -> list[Json]:
        """The nodes that are due, each with its input; the next one first."""
        return self._due.get("nodeExecutionStack") or []

    @property
    def waiting(self) -> dict[str, dict[str, Json]]:
        """The nodes that wait for more inputs: what has come in, by name and by the number of the run to be."""
        return self._due.get("waitingExecution") or {}

    @property
    def waiting_sources(self) -> dict[str, dict[str, Json]]:
        """Where that has come from."""
        return self._due.get("waitingExecutionSource") or {}

    @property
    def waits(self) -> bool:
        """Whether the run waits for a time or a call."""
        return bool(self.data.get("waitTill"))

    @property
    def due_node(self) -> Json | None:
        """The node, as its workflow holds it, that the run goes on at; None when none is due."""
        return self.stack[0].get("node") if self.stack else None

    @property
    def children(self) -> list[str]:
        """The executions of the sub-workflows that this node has started; it waits for the last of them."""
        return (self.stack[0].get("metadata") or {}).get(CHILDREN) or [] if self.stack else []

    def last_outputs(self) -> list[list[Json]]:
        """The items at each output of the node that ran last."""
        runs = self.run_data.get(self.last_node or "") or [{}]
        return [items or [] for items in (runs[-1].get("data") or {}).get("main") or []]


def write_document(result: Json, due: Json) -> Json:
    """The document of a run, ready for JSON: what `write_result` and `write_due` give."""
    return {"version": 1, "startData": {}, "resultData": result, "executionData": due}


def write_result(
    run_data: dict[str, list[Json]],
    *,
    error: Json | None = None,
    last_node: str | None = None,
    custom_data: dict[str, str] | None = None,
    pin_data: Json | None = None,
) -> Json:
    """What has run so far, as the properties of these names of RunDocument read it."""
    result: Json = {"runData": run_data}
    if error is not None:
        result["error"] = error
    if pin_data:
        result["pinData"] = pin_data
    if last_node is not None:
        result["lastNodeExecuted"] = last_node
    if custom_data:
        result["metadata"] = custom_data
    return result


def write_due(
    stack: Sequence[Json] = (),
    *,
    waiting: Json | None = None,
    waiting_sources: Json | None = None,
    context_data: Json | None = None,
    metadata: Json | None = None,
) -> Json:
    """What is due, and what nodes keep for their next runs, as the properties of these names of RunDocument read it."""
    return {
        "contextData": context_data or {},
        "nodeExecutionStack": list(stack),
        "metadata": metadata or {},
        "waitingExecution": waiting or {},
        "waitingExecutionSource": waiting_sources or {},
    }


def with_error(data: Json | None, error: Json) -> Json:
    """The document of a run that cannot go on: what had run before stays as it was. None: nothing had run."""
    document = {**write_document(write_result({}), write_due()), **(data or {})}
    document["resultData"] = {"runData": {}, **(document.get("resultData") or {}), "error": error}
    return document


def with_wait(data: Json, till: str) -> Json:
    """The document of a run that waits until that time (ISO 8601)."""
    return {**data, "waitTill": till}


def prepare_retry(data: Json) -> Json | None:
    """What to resume so that a failed or canceled run goes on at the node that failed; None: nothing to go on from.

    The failed run of that node is forgotten, what ran before it stays, and so do earlier runs of that node that failed
    and were gone on from. `data` is not changed.
    """
    document = RunDocument(data)
    run_data = {name: list(runs) for name, runs in document.run_data.items()}
    if not run_data or not (document.stack or document.waiting):
        return None
    name = (document.due_node or {}).get("name")
    runs = run_data.get(name) if name is not None else None
    if name is not None and runs and _is_unfinished(runs[-1], document.stack[0]):
        runs.pop()
        if not runs:
            del run_data[name]
    return to_resume(data, run_data)


def _is_unfinished(run: Json, task: Json) -> bool:
    """Whether a run is that of the node that is due, and not one before it: its input came from the same places. (What
    older versions of n8n have written does not say from where.)"""
    if is_call(task) or run.get("executionStatus") == "success":
        return False
    return "source" not in run or _places(run["source"]) == _places((task.get("source") or {}).get("main"))


def _places(sources: Sequence[Json | None] | None) -> list[tuple[Any, ...]]:
    return [
        (source.get("previousNode"), source.get("previousNodeOutput") or 0, source.get("previousNodeRun") or 0)
        for source in sources or ()
        if source is not None
    ]


def to_resume(data: Json, run_data: dict[str, list[Json]]) -> Json:
    """A copy of the document with these runs, which may go on: its error and what it waited for are gone."""
    result = {**(data.get("resultData") or {}), "runData": run_data}
    result.pop("error", None)
    prepared = {**data, "resultData": result}
    prepared.pop("waitTill", None)
    stack = RunDocument(data).stack
    if stack and any(name in (stack[0].get("metadata") or {}) for name in BEGUN):
        prepared["executionData"] = _begin_anew(data["executionData"])
    return prepared


def _begin_anew(rest: Json) -> Json:
    """What is due, where the first node is tried and runs its sub-workflows anew."""
    first, *others = rest["nodeExecutionStack"]
    metadata = {name: value for name, value in first["metadata"].items() if name not in BEGUN}
    return {**rest, "nodeExecutionStack": [{**first, "metadata": metadata}, *others]}


def replaced_input(run: Json) -> list[Json] | None:
    """The items that a run of a node got in place of what the source of its first input gave; None: it got that."""
    inputs = (run.get(OVERRIDE) or {}).get("main") or [None]
    items: list[Json] | None = inputs[0]
    return items


def is_sub_run(run: Json) -> bool:
    """Whether a node ran for another one that it hangs on, which gave it what it worked on."""
    return OVERRIDE in run and "main" not in (run[OVERRIDE] or ())


def is_call(task: Json) -> bool:
    """Whether a node is due because another one, which it hangs on, has asked for it; the failure of its last run is
    that one's answer then."""
    return any(kind.startswith("ai_") for kind in task.get("data") or {})
