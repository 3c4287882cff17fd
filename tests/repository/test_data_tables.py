"""Data tables in the database: sizes that stay true, writers that wait for each other, and lists that read little."""

import threading

import pytest
from psycopg import sql

from app.repository import data_table_columns, data_table_rows, data_tables
from app.repository.connection import Connection
from app.repository.data_table_conditions import RowCondition, RowFilter
from app.repository.data_tables import DataTable
from app.repository.keysets import Order, Place
from tests.repository.plans import nodes, plan_of

pytestmark = pytest.mark.own_database

ROWS = 60_000
FILL = """
    INSERT INTO data_table_rows (table_id, id, cells)
    SELECT 't' || 1 + n % 3, n, jsonb_build_object('c', 'text ' || n, 'n', n % 100, 'd' || n % 7, repeat('x', 40))
      FROM generate_series(1, {rows}) AS n
"""


def a_table(connection: Connection, table_id: str = "t1") -> DataTable:
    data_tables.create_table(connection, table_id, project_id="default", name=table_id)
    table = data_tables.get_table(connection, table_id)
    data_table_columns.add_column(connection, table, f"{table_id}-c", name="c", type="string", place=0)
    return data_tables.get_table(connection, table_id)


def size(connection: Connection) -> tuple[int, int]:
    """What the table is said to hold, and what it holds."""
    real = connection.execute("SELECT coalesce(sum(octet_length(cells::text)), 0) FROM data_table_rows").fetchone()
    return data_tables.get_table(connection, "t1").bytes, real[0]


def test_the_size_of_a_table_follows_its_rows(connection) -> None:
    table = a_table(connection)
    every = RowFilter((RowCondition("id", "gt", 0),))
    steps = [
        lambda: data_table_rows.insert_rows(connection, "t1", [{"t1-c": "x" * n} for n in range(30)]),
        lambda: data_table_rows.update_rows(connection, "t1", every, {"t1-c": "twenty letters of it"}),
        lambda: data_table_rows.delete_rows(connection, "t1", RowFilter((RowCondition("id", "lte", 10),))),
        lambda: data_table_columns.delete_column(connection, table.columns[0]),
        lambda: data_table_rows.clear_rows(connection, "t1"),
    ]
    seen = []
    for step in steps:
        step()
        said, real = size(connection)
        assert said == real
        seen.append(said)
    assert seen[-1] == 0
    assert len(set(seen)) == len(seen)


def test_upserts_at_once_add_one_row(connect) -> None:
    with connect() as connection:
        a_table(connection)
    start = threading.Barrier(6)
    wanted = RowFilter((RowCondition("t1-c", "eq", "key"),))

    def upsert() -> None:
        with connect() as own:
            start.wait()
            data_tables.lock_table(own, "t1")
            if not data_table_rows.row_exists(own, "t1", wanted):
                data_table_rows.insert_rows(own, "t1", [{"t1-c": "key"}])

    threads = [threading.Thread(target=upsert) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connect() as connection:
        assert [row.id for row in data_table_rows.list_rows(connection, "t1", RowFilter(), limit=9)] == [1]


@pytest.fixture
def many(connection) -> Connection:
    for table_id in ("t1", "t2", "t3"):
        a_table(connection, table_id)
    connection.execute(sql.SQL(FILL).format(rows=sql.Literal(ROWS)))
    connection.commit()
    connection.autocommit = True
    connection.execute("ALTER TABLE data_table_rows ALTER cells SET STATISTICS 1000")  # no sample that misleads a plan
    connection.execute("VACUUM (ANALYZE) data_table_rows")
    connection.autocommit = False
    return connection


def test_pages_and_equal_cells_read_little_of_many_rows(many) -> None:
    equal = RowFilter((RowCondition("c", "eq", "text 30000"),))
    pages = {
        "first": (RowFilter(), None),
        "deep": (RowFilter(), Place(ROWS // 2)),
        "by id": (RowFilter((RowCondition("id", "eq", 300),)), None),
        "equal": (equal, None),
        "equal, deep": (equal, Place(3)),
        "any of": (RowFilter((RowCondition("c", "eq", "text 3"), RowCondition("id", "eq", 6)), any_of=True), None),
    }
    for name, (wanted, after) in pages.items():
        statement, parameters = data_table_rows.page_statement("t1", wanted, limit=101, order=Order("id"), after=after)
        assert_little(name, plan_of(many, statement, parameters))
    condition, parameters = equal.condition()
    changes = {"table_id": "t1", "emptied": [], "filled": "{}", "most": 10}
    for statement in (data_table_rows.UPDATE, data_table_rows.DELETE, data_table_rows.EXISTS, data_table_rows.COUNT):
        whole = statement.format(wanted=condition, returning=sql.SQL(""))
        assert_little(statement.as_string()[:20], plan_of(many, whole, parameters | changes))


def assert_little(name: str, plan: dict) -> None:
    read = [node["Node Type"] for node in nodes(plan) if node.get("Relation Name") == "data_table_rows"]
    assert "Seq Scan" not in read, (name, plan)
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= 500, (name, plan)
