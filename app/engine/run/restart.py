"""Where a recorded run goes on again: at the node that failed, or at any run of any node.

What ran before that stays, with its data; what came after runs anew: the node itself, and every node whose input had
come from what stays. Knows the run's document and no graph.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec

from app.engine.run.document import (
    OVERRIDE,
    Json,
    RunDocument,
    is_call,
    is_sub_run,
    prepare_retry,
    replaced_input,
    to_resume,
)
from app.engine.run.items import InputSource
from app.engine.run.run_order import From, RecordedRun, RunData, RunId, number_runs

Items = list[dict[str, Any]]


class CannotRestart(Exception):
    """The run cannot go on there; the message says why."""


class _Result(msgspec.Struct, rename="camel"):
    run_data: RunData = {}


class _Rest(msgspec.Struct, rename="camel"):
    context_data: dict[str, msgspec.Raw] | None = None


class _Skeleton(msgspec.Struct, rename="camel"):
    result_data: _Result = msgspec.field(default_factory=_Result)
    execution_data: _Rest | None = None


def check_restart(data: bytes | None, node: str, run: int) -> bool:
    """Raise CannotRestart for a node that never ran, in a run's document; reads no more of it than that takes.

    Says whether the run had begun there.
    """
    try:
        skeleton = msgspec.json.decode(data or b"{}", type=_Skeleton)
    except msgspec.DecodeError:
        raise CannotRestart("What the execution recorded cannot be read") from None
    rest = skeleton.execution_data or _Rest()
    run_data = skeleton.result_data.run_data
    _Cut(run_data, node, run).check(set(rest.context_data or ()))
    return not any(run_data[node][run].source or ())


class _Cut:
    """Which runs stay: those that began before a given one."""

    def __init__(self, run_data: RunData, node: str, run: int) -> None:
        runs = run_data.get(node) or []
        if not runs:
            raise CannotRestart(f"The node '{node}' is not in the execution, or never ran")
        if run >= len(runs):
            raise CannotRestart(f"The node '{node}' has run {len(runs)} times: there is no run {run}")
        if (root := runs[run].root) is not None:
            raise CannotRestart(f"'{node}' only runs for '{root.previous_node}': start there instead")
        self.numbers = number_runs(run_data)
        first = min(self.numbers[run_id] for run_id in [(node, run), *_used_by(run_data, node, run)])
        self._runs = run_data
        self.runs_kept = {
            name: sum(self.numbers[name, number] < first for number in range(len(every)))
            for name, every in run_data.items()
        }
        sources = [source.run_id for source in runs[run].source or () if source is not None]
        began = sources or self.numbers[node, run] == min(self.numbers.values())
        if not began or any(number >= self.runs_kept.get(name, 0) for name, number in sources):
            raise CannotRestart(f"The execution's data does not tell what came in at '{node}'")

    def check(self, remembering: set[str]) -> None:
        """Raise CannotRestart where a node of which some runs stay remembers (`node:NAME`) what came after them."""
        for name, runs in self.runs_kept.items():
            if 0 < runs < len(self._runs[name]) and f"node:{name}" in remembering:
                raise CannotRestart(f"That lies within a loop that went on: start at the first run of '{name}' instead")


def _used_by(run_data: RunData, node: str, run: int) -> list[RunId]:
    """The runs of sub-nodes that a run of a node has used, and those that these have used."""
    uses: dict[RunId, list[RunId]] = {}
    for name, runs in run_data.items():
        for number, each in enumerate(runs):
            if (root := each.root) is not None:
                uses.setdefault(root.run_id, []).append((name, number))
    used, pending = [], [(node, run)]
    while pending:
        found = uses.pop(pending.pop(), [])
        used += found
        pending += found
    return used


@dataclass(slots=True)
class _Due:
    """A node that had got its input, with where that came from."""

    node: str
    sources: list[InputSource | None]
    inputs: list[Items | None] | None = None
    """None: as `sources` say."""
    override: Items | None = None
    """What stands in place of the first input."""
    key: str = field(init=False)

    def __post_init__(self) -> None:
        self.key = json.dumps([self.node, self.sources], sort_keys=True)


def restart_at(data: Json, node: str, run: int, items: Items | None = None) -> Json | None:
    """The document to resume so that a run goes on at a run of a node, with `items` in place of its first input.

    None: the node got nothing from another one, so the run starts over there. `data` is not changed. Raises
    CannotRestart.
    """
    document = RunDocument(data)
    skeleton = {name: [_skeleton(each) for each in runs] for name, runs in document.run_data.items()}
    cut = _Cut(skeleton, node, run)
    cut.check(set(document.context_data))
    if not any(document.run_data[node][run].get("source") or ()):
        return None
    restart = _Restart(document, cut)
    stack, waiting, waiting_sources = restart.due()
    if items is not None:
        stack[0] = _with_items(stack[0], items)
    run_data = {name: runs[: cut.runs_kept[name]] for name, runs in document.run_data.items() if cut.runs_kept[name]}
    contexts = {name: values for name, values in document.context_data.items() if restart.stays(name)}
    rest = {
        **(data.get("executionData") or {}),
        "contextData": contexts,
        "metadata": {name: uses[: cut.runs_kept.get(name, 0)] for name, uses in document.metadata.items()},
        "nodeExecutionStack": stack,
        "waitingExecution": waiting,
        "waitingExecutionSource": waiting_sources,
    }
    return {**to_resume(data, run_data), "executionData": rest}


def _skeleton(run: Json) -> RecordedRun:
    """What `RecordedRun` holds of a run."""
    sources = [
        None if source is None else From(source.get("previousNode", ""), source.get("previousNodeRun"))
        for source in run.get("source") or ()
    ]
    override = msgspec.Raw(b"{}") if is_sub_run(run) else msgspec.Raw()
    return RecordedRun(run.get("executionIndex"), run.get("startTime"), sources, override)


class _Restart:
    """Finds what is due when only the runs that a cut keeps have been."""

    def __init__(self, document: RunDocument, cut: _Cut) -> None:
        self._document, self._runs_kept, self._numbers = document, cut.runs_kept, cut.numbers

    def stays(self, context: str) -> bool:
        """Whether what a node remembers stays: some of its runs do."""
        return not context.startswith("node:") or self._runs_kept.get(context.removeprefix("node:"), 0) > 0

    def due(self) -> tuple[list[Json], Json, Json]:
        """The stack, the next node first, and the nodes that wait for more inputs, with their sources."""
        stack: list[Json] = []
        waiting: dict[str, list[_Due]] = {}
        seen: set[str] = set()
        for entry in (*self._ran_later(), *self._was_due()):
            known = [self._is_kept(source) for source in entry.sources]
            given = [source is not None for source in entry.sources]
            if entry.key in seen or not any(known):
                continue
            seen.add(entry.key)
            if known == given:
                stack.append(self._task(entry))
            else:
                sources = [source if is_known else None for source, is_known in zip(entry.sources, known, strict=True)]
                waiting.setdefault(entry.node, []).append(_Due(entry.node, sources))
        inputs = {
            name: {str(number): {"main": self._inputs(entry)} for number, entry in enumerate(entries)}
            for name, entries in waiting.items()
        }
        sources_by_run = {
            name: {str(number): {"main": entry.sources} for number, entry in enumerate(entries)}
            for name, entries in waiting.items()
        }
        return stack, inputs, sources_by_run

    def _ran_later(self) -> list[_Due]:
        later = [
            (
                self._numbers[name, number],
                _Due(name, list(run.get("source") or ()), override=replaced_input(run)),
            )
            for name, runs in self._document.run_data.items()
            for number, run in enumerate(runs)
            if number >= self._runs_kept[name] and not is_sub_run(run)
        ]
        return [entry for _, entry in sorted(later, key=lambda pair: pair[0])]

    def _was_due(self) -> list[_Due]:
        """What was still due when the run ended."""
        due = []
        for task in _of_main_flow(self._document.stack):
            sources = list((task.get("source") or {}).get("main") or ())
            inputs = (task.get("data") or {}).get("main")
            override = inputs[0] if inputs and (task.get("metadata") or {}).get(OVERRIDE) else None
            due.append(_Due((task.get("node") or {}).get("name", ""), sources, inputs, override))
        for name, by_run in self._document.waiting_sources.items():
            due += [_Due(name, list(entry.get("main") or ())) for entry in by_run.values()]
        return due

    def _is_kept(self, source: InputSource | None) -> bool:
        return source is not None and _run_of(source) < self._runs_kept.get(source["previousNode"], 0)

    def _task(self, entry: _Due) -> Json:
        inputs = self._inputs(entry) if entry.inputs is None else entry.inputs
        task = {
            "node": {"name": entry.node},
            "data": {"main": list(inputs)},
            "source": {"main": entry.sources},
        }
        return task if entry.override is None else _with_items(task, entry.override)

    def _inputs(self, entry: _Due) -> list[Items | None]:
        return [None if source is None else self._output(source) for source in entry.sources]

    def _output(self, source: dict[str, Any]) -> Items:
        run = self._document.run_data[source["previousNode"]][_run_of(source)]
        outputs = (run.get("data") or {}).get("main") or []
        number = source.get("previousNodeOutput") or 0
        return list(outputs[number] or []) if number < len(outputs) else []


def _with_items(task: Json, items: Items) -> Json:
    """The due node with these items at its first input, and with nothing of what it had begun with the former ones."""
    inputs = list((task.get("data") or {}).get("main") or [None])
    inputs[0] = [{**item, "pairedItem": {"item": place}} for place, item in enumerate(items)]
    return {**task, "data": {**(task.get("data") or {}), "main": inputs}, "metadata": {OVERRIDE: True}}


def _run_of(source: dict[str, Any]) -> int:
    number: int = source.get("previousNodeRun") or 0
    return number


def restart_at_failure(data: Json, items: Items | None = None) -> Json | None:
    """As `prepare_retry`, with `items` in place of the first input of the node that failed."""
    prepared = prepare_retry(data)
    if prepared is None or items is None:
        return prepared
    rest = prepared["executionData"]
    due = _of_main_flow(rest.get("nodeExecutionStack") or [])
    if not due:
        return prepared
    first, *others = due
    return {**prepared, "executionData": {**rest, "nodeExecutionStack": [_with_items(first, items), *others]}}


def _of_main_flow(stack: list[Json]) -> list[Json]:
    """What is due without the tools that a node waits for: with another input it will ask again."""
    return [task for task in stack if not is_call(task)]
