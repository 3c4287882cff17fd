"""How far a run is, for whoever looks at it from outside: which nodes have run and how many items they gave.

Costs a run nothing but the name of the node that is due: what has come out is counted when somebody asks.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

MAX_NODES = 500
"""Nodes that are told of, those that ran last."""

Runs = Mapping[str, Sequence[dict[str, Any]]]


@dataclass(slots=True)
class NodeProgress:
    """How often a node has run, how many items it has given at each output, and how its last run ended.

    `changed`: how many runs of all nodes there were when this was counted last.
    """

    runs: int = 0
    items: list[int] = field(default_factory=list)
    status: str = "success"
    changed: int = 0
    started: int | None = None
    """When its last run began, in milliseconds since 1970."""
    took: int | None = None

    def add(self, run: Mapping[str, Any]) -> None:
        """Count one more of its runs; nothing of one that has another shape, which raises what comes of it."""
        given = [len(items or ()) for items in (run.get("data") or {}).get("main") or ()]
        self.status = str(run.get("executionStatus", "success"))
        self.started, self.took = run.get("startTime"), run.get("executionTime")
        self.items = [sum(counts) for counts in zip_longest(self.items, given, fillvalue=0)]
        self.runs += 1

    def told(self, name: str) -> dict[str, Any]:
        """The same for JSON."""
        counts = {"node": name, "runs": self.runs, "items": self.items, "status": self.status, "changed": self.changed}
        return counts if self.started is None else {**counts, "startTime": self.started, "executionTime": self.took}


class RunProgress:
    """The progress of one run. Used by the loop that runs it."""

    def __init__(self) -> None:
        self.current: str | None = None
        """The node that runs."""
        self.since: int | None = None
        """When it began to, in milliseconds since 1970."""
        self.tries: Sequence[Mapping[str, Any]] = ()
        """How it was tried so far, where that has failed; see `Tries`."""
        self.first_index: int | None = None
        """The executionIndex that this part of the run begins with: a wait, or a failure, was before. None: not yet."""
        self._runs: Runs = {}
        self._nodes: dict[str, NodeProgress] = {}
        self._told: tuple[Any, ...] = (0, None, 0, None)

    def begin(self, node: str) -> None:
        """A node begins to run."""
        self.current, self.since, self.tries = node, time.time_ns() // 1_000_000, ()

    def follow(self, runs: Runs, first_index: int = 0) -> None:
        """Count the runs that are added here, by node; the next one has this executionIndex."""
        self._runs = runs
        self.first_index = first_index

    def changes(self) -> dict[str, Any] | None:
        """How far it is, for JSON:

        {"current", "currentSince", "version", "nodes": [{"node", "runs", "items", "status", "changed", "startTime",
        "executionTime"}]}, and "tries" where the current node was tried before. Times in milliseconds

        The last ones are last. `version` says which part of the run it is (a wait begins another one), and how many
        runs there were; `changed`, at how many a node was counted last. None: as it was when this was asked last.
        """
        new = []
        for name, runs in self._runs.items():
            known = self._nodes.get(name)
            seen = 0 if known is None else known.runs
            if len(runs) > seen:
                node = self._nodes.pop(name, None) or NodeProgress()
                self._nodes[name] = node
                for run in runs[seen:]:
                    node.add(run)
                new.append(node)
        last_try = self.tries[-1] if self.tries else None  # of many tries only the last ones are kept
        state = (sum(node.runs for node in self._nodes.values()), self.current, len(self.tries), last_try)
        if state == self._told:
            return None
        self._told = state
        for node in new:
            node.changed = state[0]
        last = list(self._nodes.items())[-MAX_NODES:]
        told: dict[str, Any] = {"current": self.current, "version": f"{self.first_index or 0}.{state[0]}"}
        told["nodes"] = [node.told(name) for name, node in last]
        if self.since is not None:
            told["currentSince"] = self.since
        return {**told, "tries": list(self.tries)} if self.tries else told
