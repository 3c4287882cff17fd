"""Two APIs before a primary and its replica, and who asks them."""

import json
import re
import urllib.parse
import urllib.request
from dataclasses import dataclass, replace

from tests import live
from tests.deployment.standby import Standby
from tests.live import LiveServer
from tests.patience import PATIENCE_SECONDS


@dataclass(frozen=True)
class Site:
    """Two APIs before a primary and its replica; `strict` allows the replica to be LATE, the other a minute behind."""

    strict: LiveServer
    another: LiveServer
    primary_url: str
    standby: Standby
    database: str
    workflow_id: str

    def run(self) -> str:
        """Start an execution through one of them; nobody works it off."""
        answer = self.strict.post(f"/api/v1/workflows/{self.workflow_id}/run", {"wait": 0})
        assert answer.status == 200, answer.body
        return answer.body["id"]


def listed(server: LiveServer, key: str = live.KEY) -> list[str]:
    answer = replace(server, key=key).get("/api/v1/executions")
    assert answer.status == 200, answer.body
    return [execution["id"] for execution in answer.body["data"]]


def reads(server: LiveServer, database: str) -> float:
    """How many reads that database has answered."""
    found = re.search(
        rf'^executions_reads_total{{database="{database}"}} ([0-9.]+)$', server.get("/metrics").body, re.MULTILINE
    )
    return float(found[1]) if found else 0.0


class Visitor:
    """A browser that is signed in to the console."""

    def __init__(self, server: LiveServer, key: str) -> None:
        self._url = server.url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        self._opener.addheaders = [("Sec-Fetch-Site", "same-origin")]
        self._send("/console/sign-in", urllib.parse.urlencode({"key": key}).encode())

    def _send(self, path: str, body: bytes | None = None, **headers: str) -> str:
        request = urllib.request.Request(self._url + path, data=body, headers=headers)
        with self._opener.open(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.read().decode()

    def page(self, path: str) -> str:
        return self._send(path)

    def start(self, workflow_id: str) -> str:
        """Start an execution as a button of the page does; its id."""
        [token] = re.findall(r'name="page-token" content="([^"]+)"', self.page("/console/executions"))
        headers = {"X-Console-Token": token, "Content-Type": "application/json"}
        return json.loads(self._send(f"/api/v1/workflows/{workflow_id}/run", b'{"wait": 0}', **headers))["id"]
