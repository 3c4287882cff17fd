"""What a process remembers of problems, so that a failure can be named as one of them when it is recorded."""

import threading
from typing import NamedTuple

from app.bounded_dict import BoundedDict
from app.repository.failure_patterns import pattern_of

MAX_KNOWN = 2_000
"""Problems that a process remembers."""


class FailureKind(NamedTuple):
    """What failures of one problem have in common."""

    project_id: str
    workflow_id: str
    node: str
    pattern: str


class KnownProblems:
    """The problems that this process has grouped failures into, so that the next ones can be named when they fail.

    To name one afterwards writes its row, with an entry in each index, a second time. This is a guess that may be out
    of date: whoever groups the failure names it anew where it was wrong. For several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: BoundedDict[tuple[str, str, str], int] = BoundedDict(MAX_KNOWN)

    def guess(self, workflow_id: str, node: str | None, message: str | None) -> int | None:
        """The problem that such a failure most likely belongs to; None where none is known."""
        return self._ids.get((workflow_id, node or "", pattern_of(message or ""))) if self._ids else None

    def learn(self, kind: FailureKind, problem_id: int) -> None:
        """Remember what failures of this kind have become."""
        with self._lock:
            self._ids[kind.workflow_id, kind.node, kind.pattern] = problem_id
