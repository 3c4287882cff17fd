"""The order in which the nodes of a recorded run ran, also where its document does not number them."""

import re
from collections import defaultdict
from heapq import heapify, heappop, heappush

import msgspec

RunId = tuple[str, int]
"""A node's name and the number of its run, the first being 0."""
_MAIN_FIRST = re.compile(rb'\s*\{\s*"main"')


class From(msgspec.Struct, rename="camel"):
    """Which run of which node an input came from."""

    previous_node: str = ""
    previous_node_run: int | None = None

    @property
    def run_id(self) -> RunId:
        """The run itself."""
        return self.previous_node, self.previous_node_run or 0


class RecordedRun(msgspec.Struct, rename="camel"):
    """Of a recorded run of a node, what is needed to find it, and for which other one it was, if for one."""

    execution_index: int | None = None
    """Which run of the execution it was. Older versions of n8n did not write it down."""
    start_time: float | None = None
    """Milliseconds since 1970."""
    source: list[From | None] | None = None
    input_override: msgspec.Raw = msgspec.Raw()
    """What it was given by others than its sources, by type of connection; of the main flow where that is `main`."""

    @property
    def root(self) -> From | None:
        """The run that a sub-node ran for."""
        of_main_flow = not self.input_override or _MAIN_FIRST.match(self.input_override)
        return None if of_main_flow else next(iter(self.source or ()), None)


RunData = dict[str, list[RecordedRun]]


def number_runs(run_data: RunData) -> dict[RunId, int]:
    """When each run was: the lower the number, the earlier.

    By the document's own numbers. Where one lacks, by the times; of the same millisecond those first whose input was
    there first.
    """
    runs = {(name, number): run for name, every in run_data.items() for number, run in enumerate(every)}
    known = {run_id: run.execution_index for run_id, run in runs.items() if run.execution_index is not None}
    return known if len(known) == len(runs) else _number_by_time(runs)


def _number_by_time(runs: dict[RunId, RecordedRun]) -> dict[RunId, int]:
    """The numbers by time and sources. Those that wait for each other, which no run can, come last."""
    before = {run_id: _runs_before(run_id, run) & runs.keys() for run_id, run in runs.items()}
    after: dict[RunId, list[RunId]] = defaultdict(list)
    for run_id, earlier in before.items():
        for each in earlier:
            after[each].append(run_id)
    left = {run_id: len(earlier) for run_id, earlier in before.items()}
    ready = [(runs[run_id].start_time or 0.0, place, run_id) for place, run_id in enumerate(runs) if not left[run_id]]
    places = {run_id: place for place, run_id in enumerate(runs)}
    heapify(ready)
    numbers: dict[RunId, int] = {}
    while ready:
        run_id = heappop(ready)[-1]
        numbers[run_id] = len(numbers)
        for each in after[run_id]:
            left[each] -= 1
            if not left[each]:
                heappush(ready, (runs[each].start_time or 0.0, places[each], each))
    for run_id in sorted(runs.keys() - numbers.keys(), key=places.__getitem__):
        numbers[run_id] = len(numbers)
    return numbers


def _runs_before(run_id: RunId, run: RecordedRun) -> set[RunId]:
    """The runs that must have been before this one: where its input came from, and the one of its node before."""
    name, number = run_id
    sources = {source.run_id for source in run.source or () if source is not None}
    return sources if number == 0 else {*sources, (name, number - 1)}
