"""What the tests of data tables ask for."""

import json
from typing import Any
from urllib.parse import quote

COLUMNS = [{"name": name, "type": kind} for name, kind in (("s", "string"), ("n", "number"), ("b", "boolean"))]
COLUMNS.append({"name": "d", "type": "date"})


def filtered(*conditions: tuple[Any, ...], kind: str = "and") -> dict[str, Any]:
    names = ("columnName", "condition", "value")
    return {"type": kind, "filters": [dict(zip(names, condition, strict=True)) for condition in conditions]}


def add(api, table: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    answer = api.post(f"/data-tables/{table}/rows", {"data": list(rows), "returnType": "all"})
    assert answer.status_code == 200, answer.json
    return answer.json


def ids(api, table: str, query: str = "", **filters: Any) -> list[int]:
    for name, value in filters.items():
        query += f"&{name}={quote(json.dumps(value) if isinstance(value, dict) else value)}"
    answer = api.get(f"/data-tables/{table}/rows?limit=200{query}")
    assert answer.status_code == 200, answer.json
    return [row["id"] for row in answer.json["data"]]


def names(api, table: str) -> list[str]:
    columns = api.get(f"/data-tables/{table}/columns").json
    assert [column["index"] for column in columns] == list(range(len(columns)))
    return [column["name"] for column in columns]
