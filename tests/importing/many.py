"""An n8n with as many executions as are asked for: of some 5 KB, one a second, most of them well."""

import json
import random
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from tests.importing import n8n

MARK = "order-000000000"
SAMPLES = 200
BYTES = 5_000
LARGE_BYTES = 5_000_000
STEP = 20_000
FIRST = 1_000
"""The id of the first one."""
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
CUSTOMERS = 10_007

COLUMNS = (
    'id, "workflowId", finished, mode, status, "createdAt", "startedAt", "stoppedAt", "storedAt", "workflowVersionId"'
)

# One in twenty failed, one in ten was manual and names no version, one in twenty notes its customer, one in a thousand
# is annotated.
POSTGRESQL = f"""
    INSERT INTO execution_entity ({COLUMNS})
    SELECT n, w.id, n %% 20 > 0, CASE WHEN n %% 10 = 1 THEN 'manual' ELSE 'webhook' END,
           CASE WHEN n %% 20 = 0 THEN 'error' ELSE 'success' END, at.t, at.t, at.t + interval '1 second', 'db',
           CASE WHEN n %% 10 <> 1 THEN w."versionId" END
      FROM generate_series(%(first)s::int, %(last)s::int) AS n
      JOIN numbered AS w ON w.number = n %% (SELECT count(*) FROM numbered)
     CROSS JOIN LATERAL (SELECT %(began)s::timestamptz + n * interval '1 second') AS at (t)
"""

POSTGRESQL_DATA = f"""
    INSERT INTO execution_data ("executionId", "workflowData", data)
    SELECT n, w.document::json, replace(s.text, '{MARK}', 'order-' || lpad(n::text, 9, '0'))
      FROM generate_series(%(first)s::int, %(last)s::int) AS n
      JOIN numbered AS w ON w.number = n %% (SELECT count(*) FROM numbered)
      JOIN samples AS s ON s.number = n %% {SAMPLES}
"""

POSTGRESQL_METADATA = f"""
    INSERT INTO execution_metadata (id, "executionId", key, value)
    SELECT n, n, 'customer', (n %% {CUSTOMERS})::text
      FROM generate_series(%(first)s::int, %(last)s::int) AS n WHERE n %% 20 = 3
"""

POSTGRESQL_VOTES = """
    INSERT INTO execution_annotations (id, "executionId", vote)
    SELECT n, n, 'up' FROM generate_series(%(first)s::int, %(last)s::int) AS n WHERE n %% 1000 = 7
"""

# What n8n has, as far as a reader can use it.
INDEXES = """
    CREATE UNIQUE INDEX ON execution_entity (id);
    CREATE INDEX ON execution_entity ("workflowId", status, id) WHERE "deletedAt" IS NULL;
    CREATE UNIQUE INDEX ON execution_data ("executionId");
    CREATE UNIQUE INDEX ON execution_metadata ("executionId", key);
    CREATE UNIQUE INDEX ON execution_annotations ("executionId");
    CREATE UNIQUE INDEX ON execution_annotation_tags ("annotationId", "tagId");
    CREATE UNIQUE INDEX ON workflow_history ("versionId");
"""

RECORDED = ("execution_entity", "execution_data", "execution_metadata", "execution_annotations")
"""Tables of executions, whose recorded rows are younger than those that are made here."""


def fill_postgresql(url: str, number: int) -> None:
    """Make an n8n in an empty database, with `number` executions."""
    n8n.fill_postgresql(url)
    with psycopg.connect(url, autocommit=True) as connection:
        forget_recorded(connection)
        connection.execute("CREATE TEMPORARY TABLE samples (number int PRIMARY KEY, text text)")
        connection.execute(
            'CREATE TEMPORARY TABLE numbered (number int PRIMARY KEY, id text, "versionId" text, document text)'
        )
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO samples VALUES (%s, %s)", list(enumerate(samples())))
            cursor.executemany("INSERT INTO numbered VALUES (%s, %s, %s, %s)", numbered())
        connection.execute("ANALYZE samples, numbered")
        for first in range(FIRST, FIRST + number, STEP):
            span = {"first": first, "last": min(first + STEP, FIRST + number) - 1, "began": BEGAN}
            for statement in (POSTGRESQL, POSTGRESQL_DATA, POSTGRESQL_METADATA, POSTGRESQL_VOTES):
                connection.execute(statement, span)
        connection.execute(INDEXES)
        connection.execute("ANALYZE")


def fill_sqlite(folder: Path, number: int) -> Path:
    """The same as a SQLite file in n8n's home folder; returns the file."""
    path = n8n.make_sqlite(folder)
    texts, workflows = samples(), numbered()
    connection = sqlite3.connect(path)
    with connection:
        forget_recorded(connection)
        for statement in INDEXES.split(";")[:-1]:
            name = f"i{abs(hash(statement))}"
            connection.execute(statement.replace("INDEX ON", f"INDEX {name} ON"))
        for n in range(FIRST, FIRST + number):
            _, workflow_id, version_id, document = workflows[n % len(workflows)]
            began, ended = (stamp(BEGAN + timedelta(seconds=n + seconds)) for seconds in (0, 1))
            status, mode = "error" if n % 20 == 0 else "success", "manual" if n % 10 == 1 else "webhook"
            ran = None if mode == "manual" else version_id
            values = (n, workflow_id, status == "success", mode, status, began, began, ended, "db", ran)
            connection.execute(f"INSERT INTO execution_entity ({COLUMNS}) VALUES ({', '.join('?' * 10)})", values)
            text = texts[n % SAMPLES].replace(MARK, f"order-{n:09}")
            insert = 'INSERT INTO execution_data ("executionId", "workflowData", data) VALUES (?, ?, ?)'
            connection.execute(insert, (n, document, text))
            if n % 20 == 3:
                insert = 'INSERT INTO execution_metadata (id, "executionId", key, value) VALUES (?, ?, ?, ?)'
                connection.execute(insert, (n, n, "customer", str(n % CUSTOMERS)))
            if n % 1000 == 7:
                insert = 'INSERT INTO execution_annotations (id, "executionId", vote) VALUES (?, ?, ?)'
                connection.execute(insert, (n, n, "up"))
    connection.close()
    return path


def forget_recorded(connection: psycopg.Connection[Any] | sqlite3.Connection) -> None:
    for table in RECORDED:
        connection.execute(f"DELETE FROM {table}")


def stamp(moment: datetime) -> str:
    """A time as n8n writes it into SQLite."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.000")


def numbered() -> list[tuple[int, str, str, str]]:
    """n8n's workflows: number, id, version, and the document that each of their executions holds."""
    rows = list(n8n.rows("workflow_entity"))
    documents = {each["id"]: json.dumps(each) for each in n8n.exported_workflows()}
    return [(index, row["id"], row["versionId"], documents[row["id"]]) for index, row in enumerate(rows)]


def samples(size: int = BYTES) -> list[str]:
    """Run data as n8n stores it, of about `size` characters each; `MARK` in it stands for what makes each its own."""
    draw = random.Random(7)
    return [flatten(run(draw, size)) for _ in range(SAMPLES)]


def run(draw: random.Random, size: int) -> dict[str, Any]:
    """A webhook's items through three nodes."""
    items = [order(draw) for _ in range(max(1, size // 430))]
    nodes = ("Webhook", "Edit Fields", "If")
    data = {name: [task(name, index, items)] for index, name in enumerate(nodes)}
    return {
        "version": 1,
        "startData": {},
        "resultData": {"runData": data, "lastNodeExecuted": "If"},
        "executionData": {"contextData": {}, "nodeExecutionStack": [], "metadata": {}, "waitingExecution": {}},
        "resumeToken": f"{draw.getrandbits(256):064x}",
    }


def task(name: str, index: int, items: list[dict[str, Any]]) -> dict[str, Any]:
    before = [] if index == 0 else [{"previousNode": name}]
    made = [{"json": item, "pairedItem": {"item": place}} for place, item in enumerate(items)]
    return {
        "startTime": 1_735_700_000_000 + index,
        "executionIndex": index,
        "source": before,
        "hints": [],
        "executionTime": 2,
        "executionStatus": "success",
        "data": {"main": [made]},
    }


def order(draw: random.Random) -> dict[str, Any]:
    words = ("reserve", "stock", "invoice", "customer", "delivery", "late", "express", "Zürich")
    return {
        "number": MARK,
        "sku": f"{draw.getrandbits(40):010x}",
        "quantity": draw.randrange(100),
        "price": draw.random() * 100,
        "address": {"street": " ".join(draw.choices(words, k=3)), "zip": str(draw.randrange(10_000))},
        "note": " ".join(draw.choices(words, k=8)),
    }


def flatten(document: Any) -> str:
    """JSON made flat as n8n stores it: texts, lists and objects stand once each and are named by their place."""
    entries: list[Any] = []
    places: dict[Any, int] = {}

    def place(value: Any) -> Any:
        if not isinstance(value, str | list | dict):
            return value
        key = value if isinstance(value, str) else id(value)
        if key not in places:
            places[key] = len(entries)
            entries.append(value)
        return str(places[key])

    place(document)
    for index, entry in enumerate(entries):  # grows as it goes
        if isinstance(entry, dict):
            entries[index] = {name: place(value) for name, value in entry.items()}
        elif isinstance(entry, list):
            entries[index] = [place(value) for value in entry]
    return json.dumps(entries, separators=(",", ":"), ensure_ascii=False)


def fill_large(url: str, number: int) -> None:
    """Make an n8n in an empty database, with `number` executions of 5 MB each."""
    n8n.fill_postgresql(url)
    draw = random.Random(7)
    text = flatten(run(draw, LARGE_BYTES))
    _, workflow_id, version_id, document = numbered()[0]
    with psycopg.connect(url, autocommit=True) as connection:
        forget_recorded(connection)
        for n in range(FIRST, FIRST + number):
            at = BEGAN + timedelta(seconds=n)
            values = (n, workflow_id, True, "webhook", "success", at, at, at, "db", version_id)
            connection.execute(f"INSERT INTO execution_entity ({COLUMNS}) VALUES ({', '.join(['%s'] * 10)})", values)
            insert = 'INSERT INTO execution_data ("executionId", "workflowData", data) VALUES (%s, %s, %s)'
            connection.execute(insert, (n, document, text.replace(MARK, f"order-{n:09}")))
        connection.execute(INDEXES)
