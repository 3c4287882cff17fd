"""Clients that use the API as people do, each in a thread of its own, and write down what they are told."""

import http.client
import random
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from tests.live import Answer, LiveServer
from tests.soak.far_side import FarSide
from tests.soak.ledger import Ledger
from tests.soak.workflows import HOOK

API = "/api/v1"
STARTED_BY_RUN = ("quick", "quick", "slow", "failing", "failing", "pausing", "called", "parent")
TRIES = 60
UNAVAILABLE = 503


class Gone(Exception):
    """The soak is over, or nobody could be reached for too long."""


class Client:
    """One client; `wanted` is its own share of chance."""

    def __init__(
        self, server: LiveServer, ledger: Ledger, far_side: FarSide, ids: dict[str, str], chance: random.Random
    ) -> None:
        self._server = server
        self._ledger = ledger
        self._far_side = far_side
        self._ids = ids
        self._chance = chance
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="client", daemon=True)
        self._actions: list[tuple[Callable[[], None], int]] = [
            (self.run, 30),
            (self.run_and_wait, 12),
            (self.call_hook, 15),
            (self.retry, 16),
            (self.stop, 6),
            (self.stop_many, 1),
            (self.retry_many, 2),
            (self.delete, 5),
            (self.delete_many, 2),
            (self.annotate, 5),
            (self.resume, 6),
            (self.list, 5),
            (self.read, 5),
        ]

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._over.set()

    def join(self) -> None:
        self._thread.join()

    def _work(self) -> None:
        actions, weights = zip(*self._actions, strict=True)
        while not self._over.is_set():
            (action,) = self._chance.choices(actions, weights)
            try:
                action()
            except Gone:
                continue
            except Exception as error:
                self._ledger.problem(f"{action.__name__}: {error!r}")
            time.sleep(self._chance.uniform(0.0, 0.05))

    def _call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer | None:
        """The answer, None where none came."""
        try:
            answer = self._server.call(method, path, body, **headers)
        except (OSError, http.client.HTTPException):
            self._count("lost")
            return None
        self._count(str(answer.status))
        if answer.status == UNAVAILABLE:
            if "Retry-After" not in answer.headers:
                self._ledger.problem(f"{method} {path}: 503 without Retry-After")
            time.sleep(self._chance.uniform(0.05, 0.3))
        elif answer.status >= 500 and not path.startswith("/webhook/"):
            self._ledger.problem(f"{method} {path}: {answer.status} {answer.body}")
        return answer

    def _count(self, kind: str) -> None:
        with self._ledger.lock:
            self._ledger.answers[kind] += 1

    def _until_told(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a call with an Idempotency-Key until an answer comes, as a careful client does. Raises Gone."""
        key = uuid.UUID(int=self._chance.getrandbits(128)).hex
        for _ in range(TRIES):
            answer = self._call(method, path, body, Idempotency_Key=key)
            if answer is not None and answer.status != UNAVAILABLE:
                break
            time.sleep(0.2)
        else:
            self._ledger.problem(f"{method} {path}: no answer in {TRIES} tries")
            raise Gone
        if answer.status == 200 and self._chance.random() < 0.3:
            again = self._call(method, path, body, Idempotency_Key=key)
            if again is not None and again.status == 200 and again.body.get("id") != answer.body.get("id"):
                self._ledger.problem(f"{method} {path}: {answer.body} and then {again.body} for one Idempotency-Key")
        return answer

    def _token(self) -> str:
        token = uuid.UUID(int=self._chance.getrandbits(128)).hex
        self._ledger.sent(token)
        return token

    def _some(self, mode: str | None = None) -> int:
        """An execution that somebody was told of. Raises Gone while there is none."""
        with self._ledger.lock:
            known = list(self._ledger.retried if mode == "retry" else self._ledger.started)
        if not known:
            raise Gone
        return self._chance.choice(known[-60:])

    def run(self, wait: float = 0.0) -> None:
        name, token = self._chance.choice(STARTED_BY_RUN), self._token()
        body = {"input": [{"token": token}], "wait": wait}
        path = f"{API}/workflows/{self._ids[name]}/run"
        if self._chance.random() < 0.6:
            answer: Answer | None = self._until_told("POST", path, body)
        else:
            answer = self._call("POST", path, body)
        if answer is not None and answer.status == 200:
            self._ledger.run(answer.body, token)
            self._read_own(int(answer.body["id"]))
        elif answer is not None and answer.status != UNAVAILABLE:
            self._ledger.problem(f"a run was answered with {answer.status} {answer.body}")

    def _read_own(self, execution_id: int) -> None:
        """What was just acknowledged can be read, unless somebody has deleted it meanwhile."""
        answer = self._call("GET", f"{API}/executions/{execution_id}")
        if answer is not None and answer.status == 404:
            with self._ledger.lock:
                asked = self._ledger.deletions_in_doubt[execution_id]
            if not asked:
                self._ledger.problem(f"execution {execution_id} was acknowledged and cannot be read")

    def run_and_wait(self) -> None:
        self.run(wait=5.0)

    def call_hook(self) -> None:
        token = self._token()
        answer = self._call("GET", f"/webhook/{HOOK}?token={token}")
        if answer is not None and answer.status != UNAVAILABLE:
            with self._ledger.lock:
                self._ledger.hook_answers[token] = (answer.status, answer.body)

    def retry(self) -> None:
        original = self._some(self._chance.choice([None, "retry"]))
        body = {"loadWorkflow": self._chance.random() < 0.5}
        path = f"{API}/executions/{original}/retry"
        answer = self._until_told("POST", path, body) if self._chance.random() < 0.6 else self._call("POST", path, body)
        if answer is None or answer.status == UNAVAILABLE:
            return
        if answer.status == 200:
            with self._ledger.lock:
                self._ledger.retried[int(answer.body["id"])] = original
            if answer.body["retryOf"] != str(original) or answer.body["mode"] != "retry":
                self._ledger.problem(f"the retry of {original} was answered with {answer.body}")
            self._ledger.saw(answer.body)
        elif answer.status == 409 and "successful" in answer.body["message"]:
            with self._ledger.lock:
                self._ledger.ended.append((original, "success"))

    def retry_many(self) -> None:
        answer = self._call("POST", f"{API}/executions/retryMany", {"filter": {"ids": [str(self._some())]}})
        if answer is not None and answer.status == 200:
            with self._ledger.lock:
                for result in answer.body["results"]:
                    if "retryId" in result:
                        self._ledger.retried[int(result["retryId"])] = int(result["id"])

    def stop(self) -> None:
        execution_id = self._some(self._chance.choice([None, "retry"]))
        answer = self._call("POST", f"{API}/executions/{execution_id}/stop")
        with self._ledger.lock:
            if answer is None or answer.status == UNAVAILABLE:
                self._ledger.stops_in_doubt += 1
            elif answer.status == 200:
                self._ledger.stopped.add(execution_id)
            elif answer.status == 409:
                self._ledger.ended.append((execution_id, answer.body["message"].rsplit(" ", 1)[1]))

    def stop_many(self) -> None:
        name = self._chance.choice(STARTED_BY_RUN)
        wanted = {"workflowId": self._ids[name], "status": ["running", "waiting", "queued"]}
        answer = self._call("POST", f"{API}/executions/stopMany", {"filter": wanted})
        with self._ledger.lock:
            if answer is None or answer.status == UNAVAILABLE:
                self._ledger.stops_in_doubt += 1000
            elif answer.status == 200:
                self._ledger.stopped_many += answer.body["stopped"]

    def delete(self) -> None:
        execution_id = self._some(self._chance.choice([None, "retry"]))
        answer = self._delete([execution_id], "DELETE", f"{API}/executions/{execution_id}")
        if answer is not None and answer.status == 200:
            self._ledger.saw(answer.body)

    def delete_many(self) -> None:
        chosen = sorted({self._some() for _ in range(3)})
        self._delete(chosen, "POST", f"{API}/executions/delete", {"ids": [str(number) for number in chosen]})

    def _delete(self, ids: list[int], method: str, path: str, body: Any = None) -> Answer | None:
        with self._ledger.lock:
            self._ledger.deletions_in_doubt.update(ids)
        answer = self._call(method, path, body)
        with self._ledger.lock:
            if answer is not None and answer.status == 200:
                self._ledger.deleted.update(ids)
            elif answer is not None and answer.status in (400, 404):
                self._ledger.deletions_in_doubt.subtract(ids)
        return answer

    def annotate(self) -> None:
        execution_id = self._some()
        with self._ledger.lock:
            if execution_id in self._ledger.votes:
                return
            self._ledger.votes[execution_id] = ("", "")
        vote, tag = self._chance.choice(["up", "down"]), self._chance.choice(["tag_a", "tag_b"])
        for _ in range(TRIES):
            answer = self._call(
                "PATCH", f"{API}/executions/{execution_id}", {"annotation": {"vote": vote, "tags": [tag]}}
            )
            if answer is not None and answer.status == 200:
                with self._ledger.lock:
                    self._ledger.votes[execution_id] = (vote, tag)
            if answer is not None and answer.status != UNAVAILABLE:
                return

    def resume(self) -> None:
        """End the wait of an execution that waits for a call."""
        waiting = list(self._far_side.resume_urls.items())
        if not waiting:
            raise Gone
        execution_id, url = self._chance.choice(waiting[-8:])
        answer = self._call("GET", url.removeprefix(self._server.url))
        if answer is not None and answer.status == 200:
            with self._ledger.lock:
                self._ledger.resumed[execution_id] += 1

    def list(self) -> None:
        answer = self._call("GET", f"{API}/executions?limit={self._chance.choice([5, 50, 250])}")
        if answer is not None and answer.status == 200:
            ids = [int(execution["id"]) for execution in answer.body["data"]]
            if ids != sorted(set(ids), reverse=True):
                self._ledger.problem(f"a list is out of order: {ids}")
            for execution in answer.body["data"]:
                self._ledger.saw(execution)

    def read(self) -> None:
        answer = self._call("GET", f"{API}/executions/{self._some()}?includeData=true")
        if answer is not None and answer.status == 200:
            self._ledger.saw(answer.body)
