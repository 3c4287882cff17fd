"""What clients were told: every answer that promised something, for the reckoning at the end."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.soak.audit import ENDED


@dataclass
class Ledger:
    """One for all clients; every method may be called from any of their threads."""

    started: dict[int, str] = field(default_factory=dict)
    """Token by execution, of runs that were acknowledged."""
    retried: dict[int, int] = field(default_factory=dict)
    """Original by retry."""
    tokens: set[str] = field(default_factory=set)
    """Of every run and call that was sent, acknowledged or not."""
    hook_answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    """Status and body of what a webhook answered, by token."""
    ended: list[tuple[int, str]] = field(default_factory=list)
    """Executions that an answer called ended, with the status that it gave."""
    stopped: set[int] = field(default_factory=set)
    stopped_many: int = 0
    stops_in_doubt: int = 0
    """Stops of which the answer was lost, so that nobody knows whether they happened."""
    deleted: set[int] = field(default_factory=set)
    deletions_in_doubt: Counter[int] = field(default_factory=Counter)
    """How many deletions of an execution were asked for without an answer that says no."""
    resumed: Counter[int] = field(default_factory=Counter)
    votes: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Vote and tag of executions that were annotated once, with an answer."""
    problems: list[str] = field(default_factory=list)
    """What no client should ever be told."""
    answers: Counter[str] = field(default_factory=Counter)
    """How many answers of each kind came, by status or `lost`."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, token: str) -> None:
        with self.lock:
            self.tokens.add(token)

    def run(self, execution: dict[str, Any], token: str) -> None:
        with self.lock:
            self.started[int(execution["id"])] = token
        self.saw(execution)

    def saw(self, execution: dict[str, Any]) -> None:
        """An execution object as an answer showed it."""
        if execution["status"] in ENDED:
            with self.lock:
                self.ended.append((int(execution["id"]), execution["status"]))

    def problem(self, text: str) -> None:
        with self.lock:
            self.problems.append(text)
