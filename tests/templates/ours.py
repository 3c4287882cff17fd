"""This program's side: workflows run on its engine, within this process, bounded in time and memory."""

import asyncio
import json
from typing import Any

from app.engine.run.meter import Meter
from app.engine.run.ports import Ports
from app.engine.run.run import RunRequest, run_workflow
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.histories import MemoryHistory
from tests.engine.running import Engine
from tests.templates.answers import answer_of

Json = dict[str, Any]
MAX_BYTES = 256 * 2**20
RESUME_URL = "http://127.0.0.1:8000/webhook-waiting/1?signature=0"
MAX_RUNS = 400
"""A whole template of which more nodes ran is taken for a loop."""


class Ours:
    """The engine with a real sandbox; `close` ends it."""

    def __init__(self, far_side_port: int) -> None:
        self._engine = Engine()
        self.types = self._engine.types
        self._outgoing = Outgoing(AddressRules.parse(f"127.0.0.1:{far_side_port}"))

    def close(self) -> None:
        self._engine.wait_for(self._close_connections())
        self._engine.close()

    async def _close_connections(self) -> None:
        async with self._outgoing:
            pass

    def run(self, workflow: Json, seconds: float) -> Json:
        """The answer of a run; its status is `stopped` where it did not end in time."""
        answer: Json = self._engine.wait_for(self._run(workflow, seconds))
        return answer

    async def _run(self, workflow: Json, seconds: float) -> Json:
        ports = Ports(
            history=MemoryHistory(),
            outgoing=self._outgoing,
            meter=Meter(limit=MAX_BYTES),
            waiting_urls=lambda: (RESUME_URL, None),
        )
        request = RunRequest(
            execution_id="1",
            mode="test",
            workflow={"id": "1", **workflow},
            start_node="Start",
            ports=ports,
            static_data={},
        )
        running = asyncio.ensure_future(run_workflow(request, self._engine.sandbox, self.types))
        _, late = await asyncio.wait([running], timeout=seconds)
        if late:
            running.cancel()
        outcome = await running
        answer = answer_of(outcome.status, json.loads(json.dumps(outcome.data), parse_float=_number))
        if late or outcome.status in ("canceled", "waiting"):
            answer["status"] = "stopped"
        return answer


def _number(text: str) -> float:
    """A number as JavaScript writes it: 2.0 is 2."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number
