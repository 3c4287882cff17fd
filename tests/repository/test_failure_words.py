"""Failures are found by words of their messages from the moment on at which they failed, whatever chores have done."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from app.repository import execution_counts, executions, failure_groups, failure_words, lifecycle
from app.repository.error_search import SHOWS
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_pages import read_page
from tests.repository.given import a_new_execution, a_workflow
from tests.repository.message_words import words_of

WORKFLOWS = ("w1", "w2")
MESSAGES = ("No host", "no answer from 10", "No answer: 20, 10", "Überlauf", "!", "x" * 450, None)
WORDS = ("no", "HOST", "answer 10", "20", "überlauf no", "x" * 250, "hos")
OTHER_BLOCK = 2**13

FAIL = """
    INSERT INTO executions (id, workflow_id, workflow_version_id, project_id, status, mode, created_at, started_at,
                            stopped_at, error_message)
    OVERRIDING SYSTEM VALUE
    SELECT %(id)s, v.workflow_id, v.id, 'default', %(status)s, 'trigger', now(), now(), now(), %(message)s
      FROM workflow_versions AS v
     WHERE v.workflow_id = %(workflow)s
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""

# Ids come in any order: what runs for long fails long after what began later.
FAILURES = st.fixed_dictionaries(
    {
        "id": st.integers(1, 12).map(lambda number: number * OTHER_BLOCK),
        "workflow": st.sampled_from(WORKFLOWS),
        "status": st.sampled_from(("error", "crashed")),
        "message": st.sampled_from(MESSAGES),
    }
)
STEPS = st.one_of(
    FAILURES.map(lambda failure: ("fail", failure)),
    FAILURES.map(lambda failure: ("fail", failure)),
    st.tuples(st.sampled_from(("delete", "change")), FAILURES),
    st.tuples(st.sampled_from(("group", "index")), st.none()),
)
LOOKS = st.tuples(
    st.sampled_from(WORDS),
    st.sampled_from(((), ("w1",))),
    st.sampled_from(((), ("error",))),
    st.integers(1, 4),
    st.none() | st.just(5 * OTHER_BLOCK),
)


def do(connection, step: str, row: dict | None) -> None:
    if step == "group":
        failure_groups.group_some(connection, limit=2)
    elif step == "index":
        failure_words.index_some(connection, enough=1)
    elif step == "fail" and connection.execute(FAIL, row).fetchone():
        failure_groups.append(connection, [row["id"]])
    elif step == "delete":
        connection.execute("DELETE FROM executions WHERE id = %(id)s", row)
    elif step == "change":
        connection.execute("UPDATE executions SET error_message = %(message)s WHERE id = %(id)s", row)
        failure_words.note_changed(connection, [row["id"]])


def test_a_list_by_words_holds_what_a_look_at_every_failure_finds(connect, connection) -> None:
    for workflow_id in WORKFLOWS:
        a_workflow(connection, workflow_id)

    @settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(STEPS, min_size=4, max_size=25), st.lists(LOOKS, min_size=1, max_size=3))
    def check(steps, looks) -> None:
        with connection.transaction(force_rollback=True):
            for step in steps:
                do(connection, *step)
            there = executions.list_executions(connection, ExecutionFilter(), limit=1_000)
            for words, workflow_ids, statuses, limit, before in looks:
                wanted = ExecutionFilter(error=words, workflow_ids=workflow_ids, statuses=statuses)
                expected = [
                    e.id
                    for e in there
                    if words_of(words) <= words_of(e.error_message or "")
                    and (not workflow_ids or e.workflow_id in workflow_ids)
                    and (not statuses or e.status in statuses)
                ]
                below = [each for each in expected if before is None or each < before]
                page = executions.list_executions(connection, wanted, limit=limit, before=before)
                assert [e.id for e in page] == below[:limit]
                answer = execution_counts.ask_for_count(connection, wanted, None)
                assert answer.fetchone()[0] == len(expected)

    check()


@pytest.fixture
def fail(connection):
    a_workflow(connection, "w1")

    def fail(number: int, message: str = "No host") -> int:
        row = {"id": number, "workflow": "w1", "status": "error", "message": message}
        assert connection.execute(FAIL, row).fetchone() == (number,)
        failure_groups.append(connection, [number])
        return number

    return fail


def indexed(connection) -> list[list[int]]:
    return [sorted(ids) for (ids,) in connection.execute("SELECT ids FROM failure_words ORDER BY id")]


def test_words_are_added_when_it_is_worth_it_and_once_for_all_that_are_alike(connection, fail) -> None:
    for number in range(1, 6):
        fail(number, f"No host {number}")
    assert not failure_words.index_some(connection, enough=1), "nobody has grouped them"
    failure_groups.group_some(connection)
    failure_words.index_some(connection)
    assert indexed(connection) == []
    failure_words.index_some(connection, enough=5)
    failure_words.index_some(connection, enough=0)
    assert indexed(connection) == [[1, 2, 3, 4, 5]]
    assert [e.id for e in read_page(connection, ExecutionFilter(error="host 3"), limit=5).executions] == [3]


def test_an_estimate_by_words_is_what_their_index_holds(connection, fail) -> None:
    for number in range(1, 8):
        fail(number, "No host" if number < 6 else "No answer")
    failure_groups.group_some(connection)
    failure_words.index_some(connection, enough=1)
    for filters, expected in (
        ({"error": "host"}, 5),
        ({"error": "no"}, 7),
        ({"error": "no", "workflow_ids": ("w1",), "statuses": ("error",), "visible_project": "default"}, 7),
    ):
        assert execution_counts.estimate(connection, ExecutionFilter(**filters)) == expected
    hidden = ExecutionFilter(error="no", project_ids=("default",), visible_project="other")
    assert execution_counts.estimate(connection, hidden) < 7, "nothing is told of another project"


def test_a_row_holds_no_more_words_than_it_can(connection) -> None:
    """A tsvector ends at 1 MiB, and a letter can have four bytes."""
    a_workflow(connection, "w1")
    for number in range(1, 151):
        message = f"{number:04}" + "".join(chr(0x20000 + (number * 2_000 + n) % 40_000) for n in range(1_996))
        connection.execute(FAIL, {"id": number, "workflow": "w1", "status": "error", "message": message})
    failure_words.note_changed(connection, list(range(1, 151)))
    failure_words.index_some(connection, enough=1)
    assert sorted(map(len, indexed(connection))) == [50, 100]


def test_failures_with_one_message_share_a_row_of_their_own(connection, fail) -> None:
    for number in range(1, 150):
        fail(number, "No host" if number % 10 else f"No host {number}")
    failure_groups.group_some(connection)
    failure_words.index_some(connection, enough=1)
    assert sorted(map(len, indexed(connection))) == [14, 135]


def test_rows_of_what_is_gone_are_dropped(connection, fail) -> None:
    connection.execute("SELECT setseed(0)")  # where it looks is by chance: in one of sixty runs at none of them
    for number in range(1, 4):
        fail(number * 2**14)
    failure_groups.group_some(connection)
    failure_words.index_some(connection, enough=1)
    connection.execute("DELETE FROM executions WHERE id < %s", [3 * 2**14])
    for number in range(4, 20):
        fail(number * 2**14)
        failure_groups.group_some(connection)
        failure_words.index_some(connection, enough=1)
    assert sum(number < 3 * 2**14 for [number] in indexed(connection)) < 2
    assert sum(number >= 3 * 2**14 for [number] in indexed(connection)) == 17


def test_what_waited_with_a_message_is_found_when_it_is_stopped(connection) -> None:
    a_workflow(connection)
    waiting = a_new_execution(connection)
    connection.execute(
        "UPDATE executions SET status = 'waiting', started_at = now(), resume_on = 'webhook', error_message = 'No host'"
        " WHERE id = %s",
        [waiting],
    )
    lifecycle.stop(connection, waiting)
    for _ in range(2):
        found = read_page(connection, ExecutionFilter(error="host", statuses=("canceled",)), limit=9)
        assert ([e.id for e in found.executions], found.count.value) == ([waiting], 1)
        failure_words.index_some(connection, enough=1)


def test_a_step_adds_a_bounded_number(connection, fail, monkeypatch) -> None:
    monkeypatch.setattr(failure_words, "AT_ONCE", 4)
    groups = [[1, 2, 3, 4, 5], [6, 7], [8], [9, 10]]
    for ids in groups:
        for number in ids:
            fail(number)
        failure_groups.group_some(connection)
    steps = []
    while failure_words.index_some(connection, enough=1):
        steps.append(sum(map(len, indexed(connection))))
    assert steps == [5, 8, 10], "the first is alone, as it is more; of the others as many as may be"


def test_a_message_is_taken_apart_only_where_it_may_show_the_words(connection, fail) -> None:
    """Also of words that are longer than any may be in the index, and of what says no word at all."""
    fail(1, "x" * 450)
    fail(2, f"NO-Host {'y' * 300}")
    fail(3, "nohost 50%")
    for words, expected in (
        ("X" * 450, [1]),
        ("x" * 200, [1]),
        ("x" * 50, [1]),
        ("x" * 51, []),
        ("host no", [2]),
        ("h_st", []),
        ("%", []),
        ("50", [3]),
    ):
        page = read_page(connection, ExecutionFilter(error=words), limit=9)
        assert [e.id for e in page.executions] == expected, words
    explain = sql.SQL("EXPLAIN SELECT FROM executions AS e WHERE {}").format(SHOWS)
    assert any("~~ ALL" in line for (line,) in connection.execute(explain, {"error": "host"}))
