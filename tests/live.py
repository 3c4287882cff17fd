"""Real processes over a test's database: the API behind gunicorn, and workers."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from app.processes import Child
from app.repository.api_keys import ensure_api_key
from app.repository.connection import connect
from tests.patience import PATIENCE_SECONDS
from tests.warm import Warm, WarmChild, may_be_warm

PROJECT = Path(__file__).resolve().parent.parent
KEY = "a key for the tests"


@dataclass(frozen=True)
class Answer:
    """What the server said; `body` is decoded when it is JSON, else text."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class LiveServer:
    """A running API. `child` is gunicorn's master process."""

    url: str
    key: str
    child: Child

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One HTTP call with the key; `path` starts at the root, `headers` spell `_` for `-`."""
        sent = {"X-N8N-API-KEY": self.key}
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
                return _answer(response)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error)

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.call("POST", path, body, **headers)


def _answer(response: Any) -> Answer:
    text = response.read().decode(errors="replace")
    is_json = response.headers.get_content_type() == "application/json"
    return Answer(response.status, response.headers, json.loads(text) if is_json else text)


def environment(database_url: str, home: Path, **settings: Any) -> dict[str, str]:
    """The environment of a child: nothing of the caller's settings, all of `settings`."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("EXECUTIONS_", "OTEL_", "PYTEST_"))}
    own = {"DATABASE_URL": database_url, "EXECUTIONS_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    return inherited | own | {name: str(value) for name, value in settings.items()}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(
    database_url: str,
    home: Path,
    *,
    application: str = "wsgi:app",
    command: Sequence[str | Path] = (sys.executable, "-m", "gunicorn"),
    **settings: Any,
) -> LiveServer:
    """Start the API, or another application around it, and wait until it answers."""
    port = free_port()
    environ = environment(database_url, home, **({"EXECUTIONS_HTTP_WORKERS": 1, "PORT": port} | settings))
    with connect(database_url) as connection:
        ensure_api_key(connection, KEY, label="tests", scopes=["*"])
    arguments = ["-c", PROJECT / "gunicorn.conf.py", "--chdir", PROJECT, application]
    child = WarmChild("API", [*command, *arguments], home / "log" / f"api-{port}.log", environ=environ)
    server = LiveServer(f"http://127.0.0.1:{environ['PORT']}", KEY, child)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _is_ready(server):
        child.check()
        if time.monotonic() > deadline:
            child.stop()
            raise AssertionError(f"the API does not become ready:\n{child.log_tail()}")
        time.sleep(0.05)
    return server


def _is_ready(server: LiveServer) -> bool:
    try:
        return server.get("/healthz/readiness").status == 200
    except OSError:
        return False


def start_worker(
    database_url: str,
    home: Path,
    *,
    command: Sequence[str | Path] = (sys.executable, "-m", "app", "worker"),
    **settings: Any,
) -> Child:
    """Start a worker and wait until it has registered."""
    environ = environment(database_url, home, **settings)
    log = home / "log" / f"worker-{time.monotonic_ns()}.log"
    child = WarmChild("worker", command, log, environ=environ)
    query = "SELECT 1 FROM workers WHERE pid = %s AND stopped_at IS NULL"
    deadline = time.monotonic() + PATIENCE_SECONDS
    with psycopg.connect(database_url, autocommit=True) as connection:
        while connection.execute(query, [child.pid]).fetchone() is None:
            child.check()
            if time.monotonic() > deadline:
                child.stop()
                raise AssertionError(f"the worker does not register:\n{child.log_tail()}")
            time.sleep(0.05)
    return child


def flask(arguments: Sequence[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. Raises subprocess.TimeoutExpired."""
    command = [sys.executable, "-m", "flask", *arguments]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        if may_be_warm(command, environ):
            process = Warm(command, output, errors, environ, PROJECT)
        else:
            process = subprocess.Popen(command, stdout=output, stderr=errors, env=environ, cwd=PROJECT)
        try:
            code = process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
        for file in (output, errors):
            file.seek(0)
        return subprocess.CompletedProcess(command, code, output.read(), errors.read())
