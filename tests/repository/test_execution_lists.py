"""Whatever filters a list combines, it holds what Python finds by looking at every execution."""

import random
import threading
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.repository import annotations, executions, failure_words, lifecycle
from app.repository.custom_data import read_custom_data, save_custom_data
from app.repository.execution_filters import ExecutionFilter
from app.repository.executions import list_executions
from app.repository.lifecycle import Result
from app.vocabulary import ENDED, MODES, STATUSES
from tests.repository.given import DATA, a_running_execution, a_worker, a_workflow, an_ended_execution
from tests.repository.message_words import words_of

NUMBER = 300
PROJECTS = ("one", "two")
WORKFLOWS = {"w1": "one", "w2": "one", "w3": "two"}
TAGS = ("a", "b", "c")
MESSAGES = ("No host ABC-1", "no such host: 10.0.0.1", "é host " + "x" * 450, "'quoted' \\ % | & text")
WORDS = (
    "host",
    "no",
    "abc 1",
    "NO, HOST",
    "such 10",
    "É",
    "x" * 450,
    "x" * 400,
    "' quoted \\",
    "text & % quoted",
    "ho",
)
KEYS, VALUES = ("k", "l"), ("1", "2")
PROBLEMS = (7, 8, None)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

INSERT = """
    INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode, created_at, started_at,
                            stopped_at, wait_till, worker_id, retry_of, vote, error_message, problem_id)
    SELECT v.workflow_id, v.id, %(project_id)s, %(status)s, %(mode)s, %(at)s, CASE WHEN %(started)s THEN %(at)s END,
           CASE WHEN %(ended)s THEN %(at)s END, CASE WHEN %(status)s = 'waiting' THEN %(at)s END,
           CASE WHEN %(started)s THEN 1 END, CASE WHEN %(mode)s = 'retry' THEN 1 END, %(vote)s, %(message)s,
           %(problem)s
      FROM workflow_versions AS v
     WHERE v.workflow_id = %(workflow_id)s
    RETURNING id
"""


@pytest.fixture
def population(connection) -> list[executions.Execution]:
    """Executions of every kind; of those that are in flight and retry, one."""
    chance = random.Random(7)
    for project in PROJECTS:
        connection.execute("INSERT INTO projects (id, name) VALUES (%s, %s)", [project, project])
    for workflow_id, project_id in WORKFLOWS.items():
        a_workflow(connection, workflow_id, project_id=project_id)
    for number in range(NUMBER):
        workflow_id, status = chance.choice(list(WORKFLOWS)), chance.choice(STATUSES if number else ENDED)
        mode = chance.choice(MODES if status in ENDED else MODES[:3])
        row = {
            "workflow_id": workflow_id,
            "project_id": WORKFLOWS[workflow_id],
            "status": status,
            "mode": mode,
            "at": BEGIN + timedelta(minutes=number),
            "started": status != "new",
            "ended": status in ENDED,
            "vote": chance.choice([None, None, "up", "down"]),
            "message": chance.choice(MESSAGES) if status in ("error", "crashed") else None,
            "problem": chance.choice(PROBLEMS) if status in ("error", "crashed") else None,
        }
        [execution_id] = connection.execute(INSERT, row).fetchone()
        annotations.set_tags(connection, execution_id, chance.sample(TAGS, chance.randint(0, 2)))
        noted = [(key, chance.choice(VALUES)) for key in chance.sample(KEYS, chance.randint(0, 2))]
        save_custom_data(connection, execution_id, noted)
    connection.execute(
        "INSERT INTO failures_to_index (ids) SELECT ARRAY[e.id] FROM executions AS e WHERE e.error_message IS NOT NULL"
    )
    failure_words.index_some(connection, enough=1)  # some of them
    connection.commit()
    return list_executions(connection, ExecutionFilter(), limit=1_000)


def some(values):
    return st.lists(st.sampled_from(values), max_size=2).map(tuple)


TIMES = st.one_of(
    st.none(), st.integers(0, NUMBER).map(lambda minutes: BEGIN + timedelta(minutes=minutes, seconds=-30))
)
FILTERS = st.builds(
    ExecutionFilter,
    statuses=some(STATUSES),
    workflow_ids=some([*WORKFLOWS, "none"]),
    project_ids=some([*PROJECTS, "none"]),
    modes=some(MODES),
    problem_ids=st.just(()) | some((7, 8, 9)),
    tags=some([*TAGS, "none"]),
    votes=some(("up", "down")),
    metadata_key=st.sampled_from([None, None, *KEYS, "none"]),
    metadata_value=st.sampled_from([None, *VALUES]),
    started_after=TIMES,
    started_before=TIMES,
    error=st.none() | st.sampled_from(WORDS),
    visible_project=st.sampled_from([None, None, *PROJECTS]),
)


def matches(
    execution: executions.Execution, custom_data: dict[str, str], problem_id: int | None, wanted: ExecutionFilter
) -> bool:
    started = execution.started_at
    value = custom_data.get(wanted.metadata_key)
    return all(
        (
            not wanted.statuses or execution.status in wanted.statuses,
            not wanted.workflow_ids or execution.workflow_id in wanted.workflow_ids,
            not wanted.project_ids or execution.project_id in wanted.project_ids,
            not wanted.modes or execution.mode in wanted.modes,
            not wanted.problem_ids or problem_id in wanted.problem_ids,
            not wanted.tags or any(tag.id in wanted.tags for tag in execution.tags),
            not wanted.votes or execution.vote in wanted.votes,
            wanted.started_after is None or (started is not None and started > wanted.started_after),
            wanted.started_before is None or (started is not None and started < wanted.started_before),
            wanted.error is None or words_of(wanted.error) <= words_of(execution.error_message or ""),
            wanted.visible_project in (None, execution.project_id),
            wanted.metadata_key is None or (value is not None and wanted.metadata_value in (None, value)),
        )
    )


def test_a_list_holds_what_matches_newest_first(connection, population) -> None:
    noted = read_custom_data(connection, [e.id for e in population])
    problems = dict(connection.execute("SELECT e.id, e.problem_id FROM executions AS e").fetchall())

    @settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
    @given(FILTERS, st.integers(1, 60), st.one_of(st.none(), st.integers(1, NUMBER + 1)))
    def check(wanted: ExecutionFilter, limit: int, before: int | None) -> None:
        page = list_executions(connection, wanted, limit=limit, before=before)
        below = (e for e in population if before is None or e.id < before)
        expected = (e.id for e in below if matches(e, noted.get(e.id, {}), problems[e.id], wanted))
        assert [e.id for e in page] == list(islice(expected, limit))

    check()


def tagged_as(connection, status: str) -> list[int]:
    return [e.id for e in list_executions(connection, ExecutionFilter(tags=("t",), statuses=(status,)), limit=10)]


def test_a_tag_follows_its_execution_from_status_to_status(connection) -> None:
    a_workflow(connection)
    worker_id = a_worker(connection)
    execution_id = a_running_execution(connection, worker_id)
    annotations.set_tags(connection, execution_id, ["t"])
    assert tagged_as(connection, "running") == [execution_id]
    lifecycle.finish(connection, worker_id, [Result(execution_id, "success", "manual", DATA)])
    assert tagged_as(connection, "running") == []
    assert tagged_as(connection, "success") == [execution_id]


def test_a_tag_follows_its_execution_to_its_problem_and_from_there_to_another(connection) -> None:
    a_workflow(connection)
    failed = an_ended_execution(connection, a_worker(connection))
    annotations.set_tags(connection, failed, ["t"])
    for problem in (7, 8):
        connection.execute("UPDATE executions SET problem_id = %s WHERE id = %s", [problem, failed])
        wanted = [ExecutionFilter(tags=("t",), problem_ids=(number,)) for number in (7, 8)]
        assert [each.problem_ids for each in wanted if list_executions(connection, each, limit=10)] == [(problem,)]


@pytest.mark.parametrize("tag_commits_first", [True, False])
def test_a_tag_and_an_end_at_the_same_moment(connect, connection, tag_commits_first: bool) -> None:
    """Whichever is second waits for the first, and the tag knows the status that came out."""
    a_workflow(connection)
    worker_id = a_worker(connection)
    execution_id = a_running_execution(connection, worker_id)

    def tag(c) -> None:
        c.execute("INSERT INTO tags (id, name) VALUES ('t', 't')")
        c.execute("INSERT INTO execution_tags (execution_id, tag_id) VALUES (%s, 't')", [execution_id])

    def end(c) -> None:
        lifecycle.finish(c, worker_id, [Result(execution_id, "success", "manual", DATA)])

    first, second = connect(), connect()
    one, other = (tag, end) if tag_commits_first else (end, tag)
    one(first)
    thread = threading.Thread(target=lambda: (other(second), second.commit()))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive(), "the second did not wait for the first"
    first.commit()
    thread.join(10)
    assert tagged_as(connection, "success") == [execution_id]
