"""Beta, who works: short executions that succeed, and long ones that are stopped while they wait or compute."""

import random
from functools import partial
from typing import Any

from tests.live import LiveServer
from tests.patience import wait_until
from tests.soak.clients import API
from tests.soak.neighbours.alpha import many, sign
from tests.soak.neighbours.marks import Marks
from tests.soak.neighbours.projects import Project
from tests.workflows import START, chain, code, set_field, wait

SHORT = 2
"""So many short executions at the same time."""
SIGNED = 100_000
LONG: dict[str, dict[str, Any]] = {
    "waits": chain(START, set_field("n", "={{ 6 * 7 }}"), wait(40)),
    "computes": chain(START, set_field("n", "={{ 6 * 7 }}"), code("for (;;);")),
}


class Beta(Project):
    """`marks` is told the moment before each stop. `names` are those of the workflows, by their ids."""

    def __init__(self, server: LiveServer, marks: Marks, chance: random.Random) -> None:
        super().__init__(server)
        self._marks = marks
        self._chance = chance
        self._short = self.save(chain(START, set_field("n", "={{ 6 * 7 }}"), code("return [{ json: { ok: true } }]")))
        long = {**LONG, "signs": chain(START, many(SIGNED), sign())}
        self.names = {self._short: "short"}
        self._long = {name: self.save(document) for name, document in long.items()}
        self.names |= {workflow_id: name for name, workflow_id in self._long.items()}

    def start(self) -> None:
        """Begin."""
        for _ in range(SHORT):
            self.repeat("short", self._run_short)
        for name, workflow_id in self._long.items():
            self.repeat(name, partial(self._run_and_stop, workflow_id))

    def _run_short(self) -> None:
        execution = self.run(self._short, wait=60)
        assert execution["status"] == "success", execution
        self.over.wait(self._chance.uniform(0.0, 0.2))

    def _run_and_stop(self, workflow_id: str) -> None:
        """Start it, let it come to where it waits or computes, and stop it."""
        path = f"{API}/executions/{self.run(workflow_id, wait=0)['id']}"
        wait_until(lambda: self.server.get(path).body["status"] != "new", "a long execution does not begin")
        self.over.wait(self._chance.uniform(0.3, 1.5))
        self._marks.about_to_stop(int(path.rsplit("/", 1)[1]))
        answer = self.server.post(f"{path}/stop")
        assert (answer.status, answer.body["status"]) == (200, "canceled"), (answer.status, answer.body)
