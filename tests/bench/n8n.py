"""A real n8n to compare with: N8N_URL and N8N_API_KEY name it.

Where N8N_DATABASE_URL names its PostgreSQL too, it gets as many executions as the table here has. They stay there.
"""

import base64
import json
import os
import urllib.request
from typing import Any

import psycopg

from tests.bench.load import Target

STEP = 100_000

EXECUTIONS = """
    WITH made AS (
        INSERT INTO execution_entity (finished, mode, status, "workflowId", "startedAt", "stoppedAt", "jsonSizeBytes")
        SELECT n %% 100 <> 0, CASE WHEN n %% 10 = 0 THEN 'webhook' ELSE 'trigger' END,
               CASE WHEN n %% 100 = 0 THEN 'error' ELSE 'success' END, w.id, clock_timestamp(), clock_timestamp(), 1000
          FROM generate_series(1, %(rows)s::bigint) AS n
          JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM workflow_entity LIMIT 20) AS w
            ON w.place = n %% (SELECT least(20, count(*)) FROM workflow_entity)
         ORDER BY n
        RETURNING id)
    INSERT INTO execution_data ("executionId", "workflowData", data)
    SELECT m.id, '{"nodes":[],"connections":{},"settings":{}}',
           '[{"resultData":"1"},{"runData":"2"},{"Start":"3"},"' || repeat(md5(m.id::text), 25) || '"]'
      FROM made AS m
"""


class N8n:
    """One that runs; `rows` are the executions that it holds."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url.rstrip("/"), key
        self.rows = 0

    @classmethod
    def from_environment(cls) -> "N8n | None":
        url, key = os.environ.get("N8N_URL", ""), os.environ.get("N8N_API_KEY", "")
        return cls(url, key) if url and key else None

    @staticmethod
    def cursor(last: int, limit: int = 100) -> str:
        """The cursor of the page after this id."""
        return base64.b64encode(json.dumps({"lastId": str(last), "limit": limit}).encode()).decode()

    def target(self, path: str) -> Target:
        return Target(f"{self.url}/api/v1{path}", self.key)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One call of its public API."""
        return ask(method, self.url, self.key, path, body)

    def fill(self, rows: int) -> None:
        """Have it hold at least so many executions, where its database can be written to."""
        newest = self.ask("GET", "/executions?limit=1")["data"]
        self.rows = int(newest[0]["id"]) if newest else 0
        if not (url := os.environ.get("N8N_DATABASE_URL")) or self.rows >= rows:
            return
        with psycopg.connect(url, autocommit=True) as connection:
            while self.rows < rows:
                number = min(STEP, rows - self.rows)
                connection.execute(EXECUTIONS, {"rows": number})
                self.rows += number
                print(f"\rFilling n8n: {self.rows:,} of {rows:,} executions", end="", flush=True)
            print()
            connection.execute("VACUUM (ANALYZE)")


def ask(method: str, base: str, key: str, path: str, body: Any = None) -> Any:
    """One call of a public API, ours or n8n's."""
    request = urllib.request.Request(
        f"{base}/api/v1{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-N8N-API-KEY": key, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
