"""A real n8n of this harness's own, whose requests to any other machine come to a service here.

N8N names the folder in which `npm install n8n` has put it. It gets a database of its own, which goes with it.
"""

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.engine.sandbox.process import NODE
from tests.live import free_port
from tests.packages.far import Far
from tests.templates.reference import Answers, Reference

EMAIL = "owner@example.com"
START_SECONDS = 180.0
PRELOADED = Path(__file__).with_name("to_far.cjs")


class NoAnswer(Exception):
    """The n8n could not be started. The message says why."""


@contextmanager
def started(n8n: Path, far: Far, folder: Path) -> Iterator[Reference]:
    """The n8n that is installed in a folder, for as long as it is needed. Raises NoAnswer."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": f"{NODE.parent}:{os.environ.get('PATH', '')}",
        "HOME": str(folder), "N8N_USER_FOLDER": str(folder), "DB_TYPE": "sqlite",
        "N8N_LISTEN_ADDRESS": "127.0.0.1", "N8N_PORT": str(port), "N8N_RUNNERS_BROKER_PORT": str(free_port()),
        "N8N_SECURE_COOKIE": "false", "EXECUTIONS_DATA_PRUNE": "false", "GENERIC_TIMEZONE": "UTC", "TZ": "UTC",
        "N8N_DIAGNOSTICS_ENABLED": "false", "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
        "N8N_TEMPLATES_ENABLED": "false", "N8N_PERSONALIZATION_ENABLED": "false",
        "NODE_EXTRA_CA_CERTS": str(far.certificate), "FAR_PORT": str(far.port),
        "NODE_OPTIONS": f"--require={PRELOADED}",
    }  # fmt: skip
    with (folder / "n8n.log").open("wb") as log:
        command = [str(NODE), str(n8n / "node_modules" / "n8n" / "bin" / "n8n"), "start"]
        process = subprocess.Popen(command, cwd=n8n, env=environment, stdout=log, stderr=log)
        try:
            wait_for(url, process, folder / "n8n.log")
            password = f"{secrets.token_urlsafe(12)}aA1"
            owner = {"email": EMAIL, "firstName": "A", "lastName": "B", "password": password}
            httpx.post(f"{url}/rest/owner/setup", json=owner, timeout=60).raise_for_status()
            reference = Reference(Answers(folder, "answers"), httpx.Client(base_url=url, timeout=90))
            reference.log_in(EMAIL, password)
            yield reference
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until it answers. Raises NoAnswer."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/healthz/readiness", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise NoAnswer(f"n8n does not answer: {log.read_text(errors='replace')[-1500:]}")
