"""What a newcomer finds in an empty database: two workflows that ran once, and commands to look at them.

A client of the HTTP API and nothing more.
"""

import json
import shlex
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.loopback import open_url

WORKFLOWS = Path(__file__).parent
RUN_SECONDS = 20
"""How long a demo run is waited for."""


class ApiClient:
    """Calls the API with a key. Raises OSError when it cannot be reached or refuses."""

    def __init__(self, base: str, key: str) -> None:
        self.base = base
        self._key = key

    def get(self, path: str) -> Any:
        """The decoded JSON of the answer. Raises OSError."""
        return self._send("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        """Send the body as JSON; returns the decoded answer. Raises OSError."""
        return self._send("POST", path, json.dumps(body).encode())

    def curl(self, method: str, path: str) -> str:
        """The same call as a line for a shell."""
        option = [] if method == "GET" else ["-X", method]
        return shlex.join(["curl", *option, "-H", f"X-N8N-API-KEY: {self._key}", self.base + path])

    def _send(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {"X-N8N-API-KEY": self._key, "Content-Type": "application/json"}
        request = urllib.request.Request(self.base + path, data=body, method=method, headers=headers)
        with open_url(request, timeout=RUN_SECONDS + 60) as response:
            return json.load(response)


def import_demo(client: ApiClient, say: Callable[[str], None]) -> None:
    """Store the demo workflows and run each once, unless there is a workflow or an execution already."""
    if client.get("/workflows?limit=1")["data"] or client.get("/executions?limit=1")["data"]:
        return
    say("Importing two demo workflows and running each once, of which one fails, to be retried")
    for file in sorted(WORKFLOWS.glob("*.json")):
        workflow = client.post("/workflows", json.loads(file.read_text("utf-8")))
        execution = client.post(f"/workflows/{workflow['id']}/run", {"wait": RUN_SECONDS})
        say(f"  {workflow['name']}: {execution['status']}")


def tour(client: ApiClient) -> list[tuple[str, str]]:
    """Commands worth trying on what the database holds now, each with what it does."""
    commands = [("what ran, newest first", client.curl("GET", "/executions"))]
    if succeeded := client.get("/executions?status=success&limit=1")["data"]:
        path = f"/executions/{succeeded[0]['id']}?includeData=true"
        commands.append(("one that succeeded, with the output of every node", client.curl("GET", path)))
    failed = [e for e in client.get("/executions?status=error&limit=50")["data"] if not e["retrySuccessId"]]
    if failed:
        path = f"/executions/{failed[0]['id']}/retry"
        text = "retry one that failed: it goes on at the node that failed"
        commands.append((text, client.curl("POST", path)))
    elif workflows := client.get("/workflows?limit=1")["data"]:
        path = f"/workflows/{workflows[0]['id']}/run"
        commands.append((f"run {workflows[0]['name']}", client.curl("POST", path)))
    return commands
