"""A database that lies: lists without an end, and rows that nobody could hold. Each ends with a sentence."""

from collections.abc import Iterator
from itertools import repeat

import psycopg
import pytest

from app.importing.n8n import bounds
from app.importing.n8n.known_tables import KEYS
from app.importing.n8n.open_source import Access
from app.importing.n8n.source import SourceError
from tests.importing import n8n
from tests.postgres import cloned_database

# Not FROM generate_series(): PostgreSQL would write all of it to its own disk first.
ENDLESS = """
    DROP TABLE folder;
    CREATE VIEW folder AS
    SELECT n::text AS id, repeat('x', 200) AS name, NULL::text AS "parentFolderId"
      FROM (SELECT generate_series(1, 9e18::bigint) AS n) AS endless
"""
LARGE = """
    INSERT INTO tag_entity (id, name) VALUES ('large', repeat('x', 200000));
    INSERT INTO project (id, name, type) VALUES (repeat('x', 200000), 'p', 'team');
    INSERT INTO workflow_entity (id, name, nodes, connections, active)
    VALUES ('large', 'Large', '[]', ('{"a": "' || repeat('x', 200000) || '"}')::json, false);
    UPDATE execution_entity SET mode = repeat('x', 200000) WHERE id = (SELECT max(id) FROM execution_entity)
"""


@pytest.fixture
def source(postgres_url: str) -> Iterator[psycopg.Connection]:
    with cloned_database(postgres_url, "template1") as url:
        n8n.fill_postgresql(url)
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


def test_a_list_without_an_end(bring, target, source, monkeypatch) -> None:
    monkeypatch.setattr(bounds, "MAX_ROWS", 500)
    source.execute(ENDLESS)
    with pytest.raises(SourceError, match="n8n's table folder has more than 500 rows: nothing was brought"):
        bring(source.info.dsn, keep_projects=True)
    assert target.execute("SELECT count(*) FROM workflows").fetchone() == (0,)


@pytest.mark.parametrize("unit", ["ROWS", "BYTES"])
@pytest.mark.parametrize("table", [*KEYS, "data_table_user_1"])
def test_each_list_is_bounded(table: str, unit: str, monkeypatch) -> None:
    for name in ("MAX_ROWS", "MAX_ROWS_PASSED", "MAX_LINKS"):
        monkeypatch.setattr(bounds, name, 1_000 if unit == "ROWS" else 10**9)
    for name in ("MAX_BYTES", "MAX_BYTES_PASSED"):
        monkeypatch.setattr(bounds, name, 1_000 if unit == "BYTES" else 10**9)
    with pytest.raises(SourceError, match=f"n8n's table {table} has more than 1,000 {unit.lower()}"):
        for _ in bounds.bounded(table, repeat({"id": "x" * 10}, 2_000)):
            pass


def test_a_row_that_is_too_large_does_not_come_over_the_wire(bring, target, source, monkeypatch) -> None:
    monkeypatch.setattr(bounds, "MAX_SMALL_ROW", 100_000)
    source.execute(LARGE)
    report = bring(source.info.dsn, access=Access(key=n8n.KEY, most_bytes=100_000), keep_projects=True)
    for label, table in (("x" * 60, "project"), ("large", "tag_entity"), ("large", "workflow_entity")):
        said = f"The row '{label}' of n8n's table {table} was passed over: it has more than 100,000 bytes."
        assert said in report.notes
    assert target.execute("SELECT count(*) FROM workflows WHERE id = 'large'").fetchone() == (0,)
    n8n.check_brought(target)
