"""Failures become problems by what they have in common, each counted once, however many workers add up."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from app.repository import execution_totals, failure_groups, lifecycle, retries, workflows
from app.repository.execution_filters import ExecutionFilter
from app.repository.failure_patterns import MAX_NODE_LENGTH, MAX_PATTERN_LENGTH, pattern_of
from app.repository.known_problems import FailureKind, KnownProblems
from app.repository.lifecycle import Result
from app.repository.problems import ProblemFilter, list_problems, read_trends, read_versions, set_status
from tests.repository.given import DATA, a_running_execution, a_worker, a_workflow


@pytest.fixture
def fail(connection):
    """Lets an execution fail: fail("the message", "the node")."""
    worker_id = a_worker(connection)
    a_workflow(connection)

    def fail(
        message: str = "It broke", node: str | None = "HTTP", known: KnownProblems | None = None, **options
    ) -> int:
        execution_id = a_running_execution(connection, worker_id)
        result = Result(execution_id, "error", "manual", DATA, error_node=node, error_message=message, **options)
        assert lifecycle.finish(connection, worker_id, [result], known) == {execution_id}
        connection.commit()
        return execution_id

    return fail


def succeed_at_retrying(connection, execution_id: int) -> int:
    retry_id = retries.retry(connection, execution_id, load_workflow=False)
    [worker_id] = connection.execute("SELECT min(id) FROM workers").fetchone()
    lifecycle.claim(connection, worker_id, 1)
    lifecycle.finish(connection, worker_id, [Result(retry_id, "success", "retry", DATA)])
    connection.commit()
    return retry_id


def group(connection) -> list:
    while failure_groups.group_some(connection):
        pass
    connection.commit()
    return list_problems(connection, ProblemFilter(), limit=1000)


def test_what_differs_in_values_only_is_one_problem(connection, fail):
    ids = [fail(f"Order {n} of 'customer {n}' not found") for n in range(3)]
    fail("Order 1 of 'customer 1' not found", "Other node")
    fail("No answer")
    group(connection)
    fail("Order 77 of 'customer 77' not found")
    problems = group(connection)
    assert [(p.node, p.pattern, p.number) for p in problems] == [
        ("HTTP", 'Order <number> of "…" not found', 4),
        ("HTTP", "No answer", 1),
        ("Other node", 'Order <number> of "…" not found', 1),
    ]
    assert problems[0].message == "Order 77 of 'customer 77' not found"
    assert problems[0].first_seen_at < problems[0].last_seen_at
    found = retries.find_retryable(connection, ExecutionFilter(problem_ids=(problems[0].id,)), limit=10)
    assert found == [problems[0].last_execution_id, *reversed(ids)]
    [version] = read_versions(connection, [problems[0].id])[problems[0].id]
    assert version.number == 4
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    times = [hour - timedelta(hours=2), hour - timedelta(hours=1)]
    assert sum(read_trends(connection, [problems[0].id], times)[problems[0].id].values()) == 4


def test_failures_of_a_problem_that_is_known_are_named_at_once_and_never_left_wrong(connection, fail):
    def named(execution_id: int):
        return connection.execute("SELECT problem_id, xmin FROM executions WHERE id = %s", [execution_id]).fetchone()

    known = KnownProblems()
    [(workflow_id,)] = connection.execute("SELECT workflow_id FROM workflow_versions")
    first = fail("Order 1 not found", known=known, workflow_id=workflow_id)
    assert named(first)[0] is None
    assert not failure_groups.group_some(connection, known=known)
    problem_id = named(first)[0]
    assert problem_id is not None
    second = fail("Order 2 not found", known=known, workflow_id=workflow_id)
    before = named(second)
    assert before[0] == problem_id
    assert [p.number for p in group(connection)] == [2]
    assert named(second) == before, "its row is not written again"
    [problem] = list_problems(connection, ProblemFilter(), limit=2)
    assert (problem.message, problem.last_execution_id) == ("Order 2 not found", second)
    [version] = read_versions(connection, [problem_id])[problem_id]
    assert (version.number, version.last_seen_at) == (2, problem.last_seen_at)
    hour = problem.last_seen_at.replace(minute=0, second=0, microsecond=0)
    times = [hour - timedelta(hours=1), hour]
    assert sum(read_trends(connection, [problem_id], times)[problem_id].values()) == 2
    fail(node="Other node")
    [other] = [p for p in group(connection) if p.node == "Other node"]
    for number, wrong in enumerate((777, other.id), 3):
        known.learn(FailureKind("default", workflow_id, "HTTP", "Order <number> not found"), wrong)
        third = fail(f"Order {number} not found", known=known, workflow_id=workflow_id)
        assert named(third)[0] == wrong
        assert {p.node: p.number for p in group(connection)} == {"HTTP": number, "Other node": 1}
        assert named(third)[0] == problem_id


def test_what_crashed_counts_and_what_was_stopped_or_is_not_kept(connection, fail):
    fail(keep=False)
    running = a_running_execution(connection, a_worker(connection))
    lifecycle.stop(connection, running)
    a_running_execution(connection, a_worker(connection))
    connection.execute("UPDATE workers SET heartbeat_at = now() - interval '1 day'")
    connection.commit()
    lifecycle.reap(connection, lease_seconds=30)
    connection.commit()
    assert sorted((p.node, p.number) for p in group(connection)) == [("", 1), ("HTTP", 1)]


def test_a_retry_that_succeeds_mends_its_failures_once(connection, fail):
    first, second = fail("A"), fail("B")
    group(connection)
    succeed_at_retrying(connection, first)
    assert {p.pattern: p.mended for p in group(connection)} == {"A": 1, "B": 0}
    succeed_at_retrying(connection, first)
    third = fail("A")
    succeed_at_retrying(connection, third)  # before anybody has grouped the failure
    assert {p.pattern: (p.number, p.mended) for p in group(connection)} == {"A": (2, 2), "B": (1, 0)}
    assert retries.find_retryable(connection, ExecutionFilter(), limit=10) == [second]


def test_handled_comes_back_with_a_newer_version_and_muted_does_not(connection, fail):
    fail("handled")
    fail("muted")
    for problem in group(connection):
        set_status(connection, problem.id, problem.pattern)
    fail("handled")
    assert {p.pattern: p.status for p in group(connection)} == {"handled": "handled", "muted": "muted"}
    workflows.save_workflow(connection, "w1", name="w1", definition=b'{"nodes":[],"more":1}')
    connection.commit()
    fail("handled")
    fail("muted")
    assert {p.pattern: p.status for p in group(connection)} == {"handled": "open", "muted": "muted"}


def test_a_workflow_that_fails_in_ever_new_ways_fills_no_table(connection, fail, monkeypatch):
    monkeypatch.setattr(failure_groups, "MAX_PER_WORKFLOW", 3)
    for word in ("one", "two", "three", "four"):
        fail(word)
    group(connection)
    fail("five")
    fail("two")
    assert {p.pattern: p.number for p in group(connection)} == {"one": 1, "two": 2, "three": 1, "": 2}


def test_those_that_group_at_once_count_nothing_twice(connect, connection, fail):
    for _ in range(10):
        fail()

    def group_some() -> None:
        own = connect()
        for _ in range(5):
            failure_groups.group_some(own, limit=1)
            own.commit()

    with ThreadPoolExecutor() as threads:
        for done in [threads.submit(group_some) for _ in range(3)]:
            done.result()
    assert [p.number for p in group(connection)] == [10]


def test_failures_of_before_are_grouped_too(connection, fail):
    fail()
    succeed_at_retrying(connection, fail())
    connection.execute("DELETE FROM execution_failures")
    connection.execute("DELETE FROM mended_failures")
    connection.execute("INSERT INTO execution_backfill DEFAULT VALUES")
    execution_totals.begin(connection)
    execution_totals.backfill(connection)
    assert [(p.number, p.mended) for p in group(connection)] == [(2, 1)]


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("Request failed with status code 404", "Request failed with status code <number>"),
        ("connect ECONNREFUSED 10.0.0.3:5432", "connect ECONNREFUSED <number>"),
        ("It's gone, isn't it", "It's gone, isn't it"),
        ("at 2024-02-19T10:30:00.000Z: 'x y' and \"z\"", 'at <number>: "…" and "…"'),
        ("user 7c9e6679-7425-40de-944b-e07fc1f90ae7  unknown\n", "user <id> unknown"),
        ("GET https://a.example/b?c=1 and mail to a@example.com", "GET <url> and mail to <email>"),
        ("a" * 33 + " b", "<id> b"),
        ("-" * 600, "-" * MAX_PATTERN_LENGTH),
        ("", ""),
    ],
)
def test_a_pattern_is_what_messages_have_in_common(message, pattern):
    assert pattern_of(message) == pattern


def test_of_a_very_long_name_of_a_node_a_part_tells_problems_apart(connection, fail):
    """No index takes all of it: the one that groups would fail for it, and so would the next."""
    name = "".join(chr(0x4E00 + random.randrange(20_000)) for _ in range(5_000))
    fail("It broke", name)
    fail("It broke", name)
    [problem] = group(connection)
    assert (problem.node, problem.number) == (name[:MAX_NODE_LENGTH], 2)
