"""The reference's side: a real n8n that runs the same workflows. What it answered is kept in a file.

The environment names it: REFERENCE is its base URL, REFERENCE_EMAIL and REFERENCE_PASSWORD log its owner in. An
endless loop freezes a whole n8n: what it is given has ended here before.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from tests.templates.answers import answer_of
from tests.templates.far_side import HOST, PORT

Json = dict[str, Any]
MAX_ANSWER_SECONDS = 120.0
PAUSES = (1.0, 5.0, 15.0, 30.0, 0.0)
"""How many seconds pass after a call that failed, before it is tried again."""
ONE_CALL_EACH = httpx.Limits(max_keepalive_connections=0)
"""A connection that rests while a workflow runs here may be closed by the other side as the next call goes out."""
BUSY = "timeout exceeded when trying to connect"
"""What it says, of a call or as the error of an execution, when too much at once asks for its database."""
UNENDED = ("new", "running", "waiting")
TIMES = {"settings": {"executionOrder": "v1", "timezone": "UTC"}}


class ReferenceRefused(Exception):
    """The n8n that REFERENCE names cannot be used. The message says why."""


class Answers:
    """Recorded answers, a line each, found by the workflow that was run, whatever port its far side listens on.

    Processes that run parts of the same at once write a file each; all of them are read.
    """

    def __init__(self, folder: Path, name: str, part: int = 1, port: int = PORT) -> None:
        self._path = folder / f"{name}.jsonl" if part == 1 else folder / f"{name}.{part}.jsonl"
        self._address, self._kept_address = f"{HOST}:{port}", f"{HOST}:{PORT}"
        self._kept: dict[str, Json] = {}
        for path in folder.glob(f"{name}*.jsonl"):
            with path.open() as lines, suppress(ValueError):
                for line in lines:
                    entry = json.loads(line)
                    self._kept[entry["key"]] = entry["answer"]

    def _key(self, workflow: Json, turn: int) -> str:
        text = json.dumps([workflow, turn], sort_keys=True).replace(self._address, self._kept_address)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def get(self, workflow: Json, turn: int) -> Json | None:
        kept = self._kept.get(self._key(workflow, turn))
        if kept is None or self._address == self._kept_address:
            return kept
        answer: Json = json.loads(json.dumps(kept).replace(self._kept_address, self._address))
        return answer

    def keep(self, workflow: Json, turn: int, answer: Json) -> None:
        key, text = self._key(workflow, turn), json.dumps(answer).replace(self._address, self._kept_address)
        self._kept[key] = json.loads(text)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(f'{{"key": "{key}", "answer": {text}}}\n')


class Reference:
    """Answers of an n8n: those that are kept, else, where there is a client, those that it gives now."""

    def __init__(self, answers: Answers, client: httpx.Client | None) -> None:
        self._answers, self._client = answers, client
        self._headers: dict[str, str] = {}

    @classmethod
    def from_environment(cls, answers: Answers) -> "Reference":
        """The one that REFERENCE names. Raises ReferenceRefused."""
        url = os.environ.get("REFERENCE")
        if not url:
            return cls(answers, None)
        made = cls(answers, httpx.Client(base_url=url, timeout=90, limits=ONE_CALL_EACH))
        made.log_in(os.environ.get("REFERENCE_EMAIL", ""), os.environ.get("REFERENCE_PASSWORD", ""))
        return made

    def run(self, workflow: Json, turn: int = 1) -> Json | None:
        """What it answers, for a first or second time; None where no answer is kept and nobody can be asked.

        Where there is somebody to ask, a second answer is always a new one: what depends on the clock differs then.
        """
        kept = self._answers.get(workflow, turn)
        if self._client is not None and (kept is None or turn > 1):
            kept = self._ask(workflow)
            if kept is not None and kept["status"] != "stopped":
                self._answers.keep(workflow, turn, kept)
        return kept

    def keep_credential(self, kind: str, data: Json) -> str:
        """Store a credential there; its id."""
        kept = self._call("POST", "/rest/credentials", {"name": kind, "type": kind, "data": data}).raise_for_status()
        return str(kept.json()["data"]["id"])

    def data_of(self, workflow: Json) -> Json:
        """What its execution of the workflow leaves as data. Raises ReferenceRefused."""
        saved = self._call("POST", "/rest/workflows", {**TIMES, **workflow, "active": False}).raise_for_status()
        found = saved.json()["data"]
        try:
            data: Json = {}
            self._run(found, take=data.update)
            return data
        finally:
            self._call("DELETE", f"/api/v1/workflows/{found['id']}")

    def log_in(self, email: str, password: str) -> None:
        answer = self._call("POST", "/rest/login", {"emailOrLdapLoginId": email, "password": password})
        if answer.status_code != 200:
            raise ReferenceRefused(
                f"no login at REFERENCE ({answer.status_code}): set REFERENCE_EMAIL and REFERENCE_PASSWORD"
            )
        scopes = self._call("GET", "/rest/api-keys/scopes").json()["data"]
        label = {"label": f"check-templates {time.time():.3f}", "expiresAt": int(time.time()) + 86_400}
        made = self._call("POST", "/rest/api-keys", {**label, "scopes": scopes}).json()["data"]
        self._headers = {"X-N8N-API-KEY": made["rawApiKey"]}

    def _call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        assert self._client is not None
        response = self._client.request(method, path, json=body, headers=self._headers)
        # A busy one says that its database is not ready, or has no connection to it: that is no answer to keep.
        busy = response.status_code == 503 or (response.status_code == 500 and BUSY in response.text)
        return response.raise_for_status() if busy else response

    def _ask(self, workflow: Json) -> Json | None:
        for pause in PAUSES:
            try:
                return self._store_and_run(workflow)
            except httpx.HTTPError as error:
                print(f"the reference did not answer: {error!r}", flush=True)
                time.sleep(pause)
        return None

    def _store_and_run(self, workflow: Json) -> Json:
        stored = self._call("POST", "/rest/workflows", {**TIMES, **workflow, "active": False})
        if stored.status_code != 200:
            return _refused(stored)
        saved = stored.json()["data"]
        try:
            return self._run(saved)
        finally:
            self._call("DELETE", f"/api/v1/workflows/{saved['id']}")

    def _run(self, saved: Json, take: Callable[[Json], None] = lambda _: None) -> Json:
        body = {"workflowData": saved, "triggerToStartFrom": {"name": "Start"}}
        started = self._call("POST", f"/rest/workflows/{saved['id']}/run", body)
        if started.status_code != 200:
            return _refused(started)
        path = f"/api/v1/executions/{started.json()['data']['executionId']}"
        began, pause = time.monotonic(), 0.03
        while time.monotonic() - began < MAX_ANSWER_SECONDS:
            asked = self._call("GET", path)
            if asked.status_code == 200 and asked.json()["status"] not in UNENDED:
                execution = self._call("GET", f"{path}?includeData=true").raise_for_status().json()
                answer = answer_of(execution["status"], execution.get("data") or {})
                if BUSY in str((answer["error"] or {}).get("message")):
                    raise httpx.HTTPError(BUSY)
                take(execution.get("data") or {})
                return answer
            time.sleep(pause)
            pause = min(0.25, pause * 1.3)
        self._call("POST", f"{path}/stop")
        return {**_nothing("stopped"), "error": {"message": "did not end", "node": None}}


def _refused(response: httpx.Response) -> Json:
    return {**_nothing("refused"), "error": {"message": response.text[:300], "node": None}}


def _nothing(status: str) -> Json:
    return {"status": status, "last": None, "nodes": {}, "order": [], "error": None}
