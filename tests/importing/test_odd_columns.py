"""An odd value in any column of any table, wherever the n8n is kept: nothing else stays behind."""

import json
import os
from collections.abc import Iterator
from itertools import count, product
from typing import Any

import psycopg
from psycopg import sql

from tests.importing import n8n
from tests.importing.api import ADDRESS, WORKFLOW, PagedApi
from tests.importing.test_api_pages import KEY
from tests.postgres import cloned_database

DEEP = "[" * 2_000 + "]" * 2_000
VALUES = (
    None, "", -1, 2**70, 1e308, float("nan"), float("-inf"), True, [], {}, [None], [[]], {"a": None}, "a\0b", "\ud800",
    "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "+020000-01-01T00:00:00.000Z", "{broken", DEEP,
    "x" * 70_000,
)  # fmt: skip
if "FUZZ" not in os.environ:
    VALUES = (None, "", -1, 2**70, float("nan"), [None], "a\0b", "x" * 70_000)
TEXTS = ("", "null", "5", '"a"', "[null]", '{"a": "\\u0000"}', "\u202e", "x" * 70_000, DEEP)
BY_TYPE: dict[str, tuple[str, ...]] = {
    "bigint": ("-1", "9223372036854775807"),
    "boolean": ("true", "false"),
    "double precision": ("NaN", "-Infinity", "1e308"),
    "integer": ("-1", "2147483647"),
    "json": ("null", "5", '"a"', "[null]", '{"a": "\\u0000"}', '{"a": 1e999}', '{"nodes": [[]]}', DEEP),
    "timestamp with time zone": ("infinity", "-infinity", "0044-03-15 BC", "20000-01-01", "1960-01-01"),
    "uuid": ("00000000-0000-0000-0000-000000000000",),
}
UNIQUE = {"annotation_tag_entity": "name", "data_table": "name", "tag_entity": "name", "variables": "key"}


def odd_rows(table: str, numbers: Iterator[int], values) -> Iterator[tuple[dict[str, Any], int]]:
    """For each column and each value a copy of the table's first row that holds it, and the number of the copy."""
    columns = n8n.TABLES[table]["columns"]
    key = next(iter(columns))
    for column, kind in columns.items():
        for value in values(kind):
            number = next(numbers)
            own = {key: number if columns[key] == "integer" else f"odd{number}"}
            if table in UNIQUE:
                own[UNIQUE[table]] = f"odd_{number}"
            yield next(n8n.rows(table)) | own | {column: value}, number


def odd_tables(values) -> dict[str, list[dict[str, Any]]]:
    """Rows that are odd by their tables, executions with data and data with executions."""
    numbers, found = count(1000), {table: [] for table in n8n.TABLES}
    for table, recorded in n8n.TABLES.items():
        if table in ("migrations", "deployment_key") or not recorded["rows"]:
            continue
        for row, number in odd_rows(table, numbers, values):
            found[table].append(row)
            if table == "execution_entity":
                found["execution_data"].append(next(n8n.rows("execution_data")) | {"executionId": number})
            elif table == "execution_data":
                its_row = {"id": number, "workflowVersionId": None}
                found["execution_entity"].append(next(n8n.rows("execution_entity")) | its_row)
    return found


def of_json(kind: str) -> tuple[Any, ...]:
    return VALUES


def of_postgresql(kind: str) -> tuple[str | None, ...]:
    return (None, *BY_TYPE.get(kind, TEXTS))


def test_in_a_zip_file(bring, target, tmp_path):
    bring(n8n.make_entities(tmp_path / "entities.zip", more=odd_tables(of_json)), keep_projects=True)
    n8n.check_brought(target)


def test_in_postgresql(bring, target, postgres_url):
    with cloned_database(postgres_url, "template1") as source:
        n8n.fill_postgresql(source)
        with psycopg.connect(source, autocommit=True) as connection:
            for table, rows in odd_tables(of_postgresql).items():
                for row in rows:
                    query = "INSERT INTO {} ({}) VALUES ({})"
                    names = sql.SQL(", ").join(map(sql.Identifier, row))
                    places = sql.SQL(", ").join(sql.Placeholder() * len(row))
                    kinds = n8n.TABLES[table]["columns"]
                    values = [v if isinstance(v, str) else n8n.as_postgresql(v, kinds[c]) for c, v in row.items()]
                    connection.execute(sql.SQL(query).format(sql.Identifier(table), names, places), values)
        bring(source, keep_projects=True, api_keys=True)
    n8n.check_brought(target)


def odd_objects(given: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """For each member and each value a copy of the object that holds it, under an id of its own."""
    pairs = product([name for name in given if name != "id"], (*VALUES, json.loads(DEEP[1_900:2_100])))
    found = [given | {"id": f"{prefix}{number}", name: value} for number, (name, value) in enumerate(pairs)]
    return [*found, *(given | {"id": value} for value in VALUES)]


def test_in_exported_files(bring, target, tmp_path):
    workflows, credentials = tmp_path / "workflows.json", tmp_path / "credentials.json"
    tag = {"id": "t1", "name": "t"}
    first = n8n.exported_workflows()[0] | {"tags": [tag], "shared": [{"projectId": "p"}]}
    tagged = first | {"id": "tagged", "tags": [*odd_objects(tag, "t"), *VALUES]}
    workflows.write_text(json.dumps([*odd_objects(first, "odd"), tagged, *VALUES, *n8n.exported_workflows()]))
    stored = list(n8n.rows("credentials_entity"))
    credentials.write_text(json.dumps([*odd_objects(stored[0], "odd"), *stored]))
    bring(workflows, credentials, keep_projects=True)
    n8n.check_brought(target, ("workflows", "credentials"))


def test_at_the_api(bring, target, monkeypatch):
    api = PagedApi(monkeypatch)
    for number in range(1, 4):
        api.add(number)
    for row in odd_objects(api.executions[1] | {"customData": {"a": "b"}, "workflowData": WORKFLOW}, ""):
        if isinstance(row["id"], str) and row["id"].isdecimal():
            number = int(row["id"]) + 1_000
            api.executions[number] = row | {"id": str(number), "status": "success"}
    table = next(n8n.rows("data_table"))
    columns = [row for row in n8n.rows("data_table_column") if row["dataTableId"] == table["id"]]
    rows = list(n8n.rows("data_table_user_e6jV5qQB2sxdBUt8"))
    tags, variables = (list(n8n.rows(name)) for name in ("tag_entity", "variables"))
    path = f"/data-tables/{table['id']}/rows"
    api.lists = {
        "/workflows": [*odd_objects(WORKFLOW, "odd"), *VALUES, *n8n.exported_workflows()],
        "/tags": [*odd_objects(tags[0] | {"name": "odd"}, "odd"), *VALUES, *tags],
        "/variables": [*odd_objects(variables[0] | {"key": "odd"}, "odd"), *VALUES, *variables],
        "/projects": [*odd_objects(next(n8n.rows("project")), "odd"), *VALUES],
        "/data-tables": [table | {"columns": columns}, *odd_objects(table | {"columns": columns}, "odd"), *VALUES],
        path: [*rows, *odd_objects(rows[0], ""), *VALUES],
    }
    bring(ADDRESS, access=KEY)
    n8n.check_brought(target, ("workflows", "tags", "data_table_rows"))
    assert {1, 2, 3} <= {row[0] for row in target.execute("SELECT id FROM executions")}
