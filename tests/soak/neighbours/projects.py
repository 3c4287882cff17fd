"""What both projects have: a key, a thread for each thing that they do, and notes of what should not have happened."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.repository.api_keys import create_api_key
from app.repository.connection import Connection
from app.repository.projects import create_project
from tests.live import LiveServer
from tests.soak.clients import API

ENOUGH = 20
"""So many problems are noted; more of them say nothing new."""


def enter(connection: Connection, server: LiveServer, name: str) -> LiveServer:
    """Make a project and a key that is limited to it; the server as that key reaches it."""
    key = f"a key of {name}"
    create_project(connection, name, name)
    create_api_key(connection, key, label=name, scopes=["*"], project_id=name)
    return replace(server, key=key)


class Project:
    """Does each of its actions again and again, each in a thread of its own, until it is asked to stop."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        self.over = threading.Event()
        self._threads: list[threading.Thread] = []

    def save(self, document: dict[str, Any]) -> str:
        """Store a workflow; its id."""
        answer = self.server.post(f"{API}/workflows", document)
        assert answer.status == 200, answer.body
        return str(answer.body["id"])

    def run(self, workflow_id: str, items: list[dict[str, Any]] | None = None, *, wait: float) -> dict[str, Any]:
        """Start an execution and wait for its end for so many seconds; the execution as it was answered."""
        answer = self.server.post(f"{API}/workflows/{workflow_id}/run", {"input": items or [{}], "wait": wait})
        assert answer.status == 200, (answer.status, answer.body)
        return dict(answer.body)

    def repeat(self, name: str, action: Callable[[], None]) -> None:
        """Do this from now on, and count it by its name."""

        def work() -> None:
            while not self.over.is_set():
                try:
                    action()
                    self.done[name] += 1
                except Exception as error:
                    if len(self.problems) < ENOUGH:
                        self.problems.append(f"{name}: {error!r}")
                    self.over.wait(0.2)

        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def join(self) -> None:
        """Return when each action that was begun is over; `over` has been set."""
        for thread in self._threads:
            thread.join()
