"""Alpha, the hostile neighbour: workflows that hang, compute, fill memory and breed, without pause."""

import functools
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.engine.sandbox.test_projects import ON_THE_HOSTS_QUEUE, TO_THE_HOST
from tests.live import LiveServer
from tests.soak.clients import API
from tests.soak.neighbours.projects import Project
from tests.workflows import START, chain, code, condition, node, stop_and_error, workflow

SIGNED = 300
EACH = 700
"""Items of each of two inputs of which Merge makes all combinations: half a million."""
DEEP = 300_000
WAIT_SECONDS = 60.0
ENDLESS = "alpha-endless"
"""Path of the webhook whose execution fails, and starts a workflow that fails, and so on."""


class Alpha(Project):
    """Does each of these things all the time, and does not mind what comes of it."""

    def __init__(self, server: LiveServer) -> None:
        super().__init__(server)
        self._ids = {name: self.save(document) for name, document in documents().items()}
        self._endless = self._save_each_others_error_workflows()

    def start(self) -> None:
        """Begin."""
        for name, workflow_id in self._ids.items():
            items = [{"date": "(" * DEEP}] if name == "date" else None
            self.repeat(name, partial(self._run, workflow_id, items))
        self.repeat("looks after error workflows", self._start_endless)

    def _run(self, workflow_id: str, items: list[dict[str, Any]] | None) -> None:
        self.run(workflow_id, items, wait=WAIT_SECONDS)

    def _save_each_others_error_workflows(self) -> list[str]:
        first = self.save(fails_for_ever())
        second = self.save(fails_for_ever(errorWorkflow=first))
        answer = self.server.call("PUT", f"{API}/workflows/{first}", fails_for_ever(ENDLESS, errorWorkflow=second))
        assert answer.status == 200, answer.body
        answer = self.server.post(f"{API}/workflows/{first}/activate")
        assert answer.status == 200, answer.body
        return [first, second]

    def _start_endless(self) -> None:
        """Call the webhook again where what the last call has set off is over: one such chain lives at a time."""
        for workflow_id in self._endless:
            path = f"{API}/executions?workflowId={workflow_id}&limit=1"
            newest = self.server.get(path).body["data"]
            if newest and newest[0]["status"] in ("new", "running"):
                self.over.wait(0.5)
                return
        answer = self.server.get(f"/webhook/{ENDLESS}")
        assert answer.status in (200, 503), (answer.status, answer.body)
        self.over.wait(0.5)


def documents() -> dict[str, dict[str, Any]]:
    """What Alpha runs, by name."""
    hangs = {
        f"host's queue {number}": chain(START, code(f"{TO_THE_HOST} {job} return {{}};"))
        for number, job in enumerate(ON_THE_HOSTS_QUEUE)
    }
    fill_symbols = "for (let i = 0; i < 5e5; i++) Symbol.for('x'.repeat(200) + i); return []"
    many_arrays = "return [{ json: { a: Array.from({ length: 5e6 }, () => []) } }]"
    date = condition("={{ $json.date }}", "dateTime", "after", "2026-01-01", typeValidation="loose")
    return {
        **hangs,
        "endless": chain(START, code("for (;;);")),
        "sign": chain(START, many(SIGNED), sign()),
        "merge": combine_all(EACH),
        "memory": chain(START, code(many_arrays)),
        "symbols": chain(START, code(fill_symbols)),
        "date": chain(START, node("If", "if", date, 2)),
    }


def many(items: int, name: str = "Many") -> dict[str, Any]:
    """A node that puts out so many items."""
    return code(f"return Array.from({{ length: {items} }}, (_, {name}) => ({{ json: {{ {name} }} }}))", name)


def sign() -> dict[str, Any]:
    """A node that signs a value for each item."""
    parameters = {"action": "sign", "value": "text", "algorithm": "RSA-SHA256", "privateKey": private_key()}
    return node("Sign", "crypto", {**parameters, "dataPropertyName": "signature", "encoding": "hex"})


def combine_all(each: int) -> dict[str, Any]:
    """A workflow that makes all combinations of two times so many items."""
    merge = node("Merge", "merge", {"mode": "combine", "combineBy": "combineAll", "options": {}}, 3)
    lines = [("Start", "A"), ("Start", "B"), ("A", 0, "Merge", 0), ("B", 0, "Merge", 1)]
    return workflow([START, many(each, "A"), many(each, "B"), merge], *lines)


def fails_for_ever(path: str = "", **settings: Any) -> dict[str, Any]:
    """A workflow that fails, whether it is started by a call of its webhook or by the failure of another."""
    entrances = [node("Failed", "errorTrigger")]
    if path:
        entrances.append(node("Webhook", "webhook", {"path": path, "options": {}}, 2, webhookId=path))
    lines = [(entrance["name"], "Halt") for entrance in entrances]
    return workflow([*entrances, stop_and_error()], *lines, settings={"executionOrder": "v1", **settings})


@functools.cache
def private_key() -> str:
    """A key of 4096 bits, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=4096)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()
