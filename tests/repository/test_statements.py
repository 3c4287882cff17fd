"""Every statement of the repository is one that PostgreSQL accepts: columns exist, parameters have types."""

import importlib
import pkgutil
import re
from collections import defaultdict
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from app import repository
from app.repository import error_search, pruning, worker_questions
from app.repository.connection import connect
from app.repository.execution_filters import ExecutionFilter
from app.repository.lifecycle import claims
from tests.postgres import shared_database

STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
EVERYTHING = ExecutionFilter(
    ids=(1, 2),
    statuses=("new",),
    workflow_ids=("w1", "w2"),
    project_ids=("p",),
    modes=("manual",),
    retry_of=(3,),
    problem_ids=(4,),
    tags=("t",),
    votes=("up",),
    started_after=datetime.now(UTC),
    started_before=datetime.now(UTC),
    metadata_key="k",
    metadata_value="v",
    visible_project="p",
)


PLACES = {
    "columns": sql.SQL("1"),
    "definition": sql.SQL("v.definition"),
    "id": sql.SQL("e.id"),
    "source": sql.SQL("executions AS e"),
    "pages": sql.SQL("SELECT * FROM variables"),
    "order": sql.SQL("1"),
    "returning": sql.SQL(""),
    "wanted": sql.SQL("true"),
    "possible": sql.SQL("true"),
    "page": sql.SQL("SELECT 1::bigint AS id"),
    "values": sql.SQL("unnest(ARRAY['w1']) AS w (value)"),
    "leading": sql.SQL("e.workflow_id"),
    "first": sql.SQL("w.value"),
    "matching": sql.SQL("w.id > ''"),
    "key": sql.SQL("s.mode"),
    "highest": sql.SQL("7"),
    "lowest": sql.SQL("1"),
    "not_indexed": error_search.NOT_INDEXED,
    "shows": error_search.SHOWS,
    "query": sql.SQL("error_query('a')"),
    "problems_condition": sql.SQL("p.status = ''"),
    "totals_condition": sql.SQL("t.mode = ''"),
    "ends_condition": sql.SQL("x.mode = ''"),
    "runnable": claims.RUNNABLE,
    "prunable": pruning.PRUNABLE,
    "table": sql.Identifier("polls"),
}


def statements():
    for found in pkgutil.walk_packages(repository.__path__, "app.repository."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            if isinstance(value, str) and name.isupper() and value.strip().startswith(STATEMENTS):
                yield pytest.param(value, {}, id=f"{found.name}.{name}")
            elif module is worker_questions and isinstance(value, sql.SQL) and "{table}" in value.as_string():
                for table in worker_questions.TABLES:
                    yield pytest.param(table.compose(value), {}, id=f"{found.name}.{name}-{table.name}")
            elif isinstance(value, sql.SQL) and value.as_string().strip().startswith(STATEMENTS):
                condition, parameters = EVERYTHING.condition(before=7)
                whole = value.format(condition=condition, limit=sql.Literal(100), **PLACES)
                yield pytest.param(whole, parameters, id=f"{found.name}.{name}")


FOUND = list(statements())


def test_the_statements_are_found() -> None:
    assert len(FOUND) > 60


@pytest.fixture(scope="module")
def planner(postgres_url: str):
    """A connection to a migrated database that nobody fills."""
    with connect(shared_database(postgres_url, "statements", lambda _: None), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(("statement", "parameters"), FOUND)
def test_statement_is_accepted(planner, statement, parameters) -> None:
    explain = sql.SQL("EXPLAIN ") + (sql.SQL(statement) if isinstance(statement, str) else statement)
    try:
        planner.execute(explain, defaultdict(lambda: None, parameters))
    except psycopg.errors.NullValueNotAllowed:
        pytest.fail("the statement does not bear a missing value")


@pytest.mark.parametrize(("statement", "_"), FOUND)
def test_a_range_up_to_now_can_be_read_from_an_index(statement, _) -> None:
    """No index is asked for what a volatile function gives: all rows would be read, and each be compared."""
    text = statement if isinstance(statement, str) else statement.as_string()
    assert not re.search(r"(?:[<>]=?|BETWEEN) *clock_timestamp", text), "statement_timestamp() says what is over by now"
