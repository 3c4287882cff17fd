"""n8n's public API as far as an import asks it, in this process: its lists come in pages, and it counts its calls."""

import json
import re
from collections import Counter
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from app.importing.n8n import api_client
from tests.importing import n8n

ADDRESS = "http://n8n.example.com"
WORKFLOW = n8n.exported_workflows()[0] | {"tags": []}


class PagedApi:
    """Holds `executions` by their ids; `fails_at` are those whose data it cannot give."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.executions: dict[int, dict[str, Any]] = {}
        self.fails_at: set[int] = set()
        self.calls: Counter[str] = Counter()
        """By what was asked for: "ids", "data", "one" or the path."""
        self.is_away_at: int | None = None
        """The call for data from which on nobody answers."""
        self.lists: dict[str, list[Any]] = {"/workflows": [WORKFLOW]}
        self.is_old = False
        """It lists what succeeded or failed, and nothing else."""
        monkeypatch.setattr(httpx.Client, "send", self._send)
        monkeypatch.setattr(api_client, "MAX_WAIT", 0)

    def add(self, number: int, **odd: Any) -> None:
        at = f"2026-11-28T10:{number // 60:02}:{number % 60:02}.000Z"
        row = {"id": str(number), "workflowId": WORKFLOW["id"], "status": "success", "mode": "manual"}
        times = {"createdAt": at, "startedAt": at, "stoppedAt": at}
        self.executions[number] = {**row, **times, "data": {"resultData": {"runData": {}}}, **odd}

    def _send(self, request: httpx.Request, **kwargs: Any) -> httpx.Response:
        query = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        found = self.answer(request.url.path.removeprefix("/api/v1"), query)
        status, content = (found, {}) if isinstance(found, int) else (200, found)
        return httpx.Response(status, headers={"Retry-After": "0"}, text=json.dumps(content), request=request)

    def answer(self, path: str, query: dict[str, str]) -> Any:
        if one := re.fullmatch(r"/executions/(\d+)", path):
            self.calls["one"] += 1
            return (
                500
                if "includeData" in query and int(one[1]) in self.fails_at
                else self.executions.get(int(one[1]), 404)
            )
        if path != "/executions":
            self.calls[path] += 1
            return {"data": self.lists.get(path, []), "nextCursor": None}
        if self.is_old and query.get("status") == "running":
            return 400
        with_data = query.get("includeData") == "true"
        self.calls["data" if with_data else "ids"] += 1
        if with_data and self.is_away_at is not None and self.calls["data"] >= self.is_away_at:
            raise httpx.ConnectError("Connection refused")
        return self._page(query, with_data=with_data)

    def _page(self, query: dict[str, str], *, with_data: bool) -> Any:
        status, below, limit = query.get("status"), int(query.get("cursor", 2**53)), int(query["limit"])
        listed = [number for number, row in self.executions.items() if self._is_listed(row, status)]
        found = sorted((number for number in listed if number < below), reverse=True)
        page = found[:limit]
        if with_data and self.fails_at & {*page}:
            return 500
        rows = [self.executions[number] for number in page]
        if not with_data:
            rows = [{name: value for name, value in row.items() if name != "data"} for row in rows]
        return {"data": rows, "nextCursor": str(page[-1]) if len(found) > len(page) else None}

    def _is_listed(self, row: dict[str, Any], status: str | None) -> bool:
        if self.is_old and row["status"] not in ("success", "error"):
            return False
        return row["status"] == status if status else row["status"] != "running"
