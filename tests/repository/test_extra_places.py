"""The places of a worker that no project can fill alone: who gets them, with two workers at once, and what it costs."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.repository import lifecycle
from app.repository.lifecycle import FIRST_TURN, ExtraPlaces, claims, extra_places
from tests.repository.given import a_worker
from tests.repository.plans import nodes, plan_of
from tests.repository.test_turns import queue

pytestmark = pytest.mark.own_database

EXTRA = 5
WAIT = """
    UPDATE executions
       SET status = 'waiting', started_at = now(), wait_till = now() + make_interval(days => %(days)s)
     WHERE project_id = %(project_id)s
"""


def claimed(connection, worker_id: int, free: int, held: dict[str, int], extra: int = EXTRA) -> dict[str, int]:
    """How many of each project a claim takes."""
    taken = lifecycle.claim(connection, worker_id, free, turn=FIRST_TURN, extra=ExtraPlaces(extra, held))
    return dict(Counter(claim.project_id for claim in taken))


@pytest.mark.parametrize(
    ("free", "held", "extra", "taken"),
    [
        # The one that holds all gets no more; another one gets some, and leaves some to the next.
        (0, {"many": 50}, 5, {"b": 3}),
        (0, {"many": 50, "b": 3}, 2, {}),
        (0, {"many": 50, "b": 1}, 4, {"b": 2}),
        (0, {"many": 50}, 1, {"b": 1}),
        (0, {"many": 50}, 0, {}),
        # Usual places are anybody's, in turn.
        (2, {"many": 48}, 5, {"many": 1, "b": 3}),
        (3, {}, 0, {"many": 1, "b": 2}),
        (-40, {"many": 50}, 5, {"b": 3}),
    ],
)
def test_who_gets_them(connection, free: int, held: dict[str, int], extra: int, taken: dict[str, int]) -> None:
    worker_id = a_worker(connection)
    queue(connection, "many", 60)
    queue(connection, "b", 20)
    assert claimed(connection, worker_id, free, held, extra) == taken


def test_waits_that_are_over_get_them_too(connection) -> None:
    worker_id = a_worker(connection)
    for project_id, number, days in (("many", 30, -2), ("b", 4, -1), ("c", 1, -3), ("later", 3, 1)):
        queue(connection, project_id, number)
        connection.execute(WAIT, {"project_id": project_id, "days": days})
    assert claimed(connection, worker_id, 0, {"many": 9}) == {"b": 2, "c": 1}
    assert claimed(connection, worker_id, 1, {"many": 9}) == {"many": 1, "b": 2}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    queued=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 12), min_size=1),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 1)), min_size=1, max_size=6),
)
def test_two_workers_leave_room_for_who_comes(connect, connection, queued, steps) -> None:
    """Two workers claim at once and little ends: who comes then finds a place, unless many others came before."""
    usual, workers = 4, [a_worker(connection), a_worker(connection)]
    for project_id, number in queued.items():
        queue(connection, project_id, number)
    connection.commit()
    held: list[Counter[str]] = [Counter(), Counter()]
    seen: list[int] = []

    def claim_at_once(order: bool) -> None:
        for index in (0, 1) if order else (1, 0):
            mine = held[index]
            room = ExtraPlaces(min(EXTRA, usual + EXTRA - mine.total()), dict(mine))
            taken = lifecycle.claim(actors[index], workers[index], usual - mine.total(), extra=room)
            seen.extend(claim.id for claim in taken)
            mine.update(claim.project_id for claim in taken)
        for actor in actors:
            actor.commit()

    with connect() as one, connect() as other:
        actors = (one, other)
        for order, ending in steps:
            claim_at_once(order)
            for mine in held:
                assert mine.total() < usual + EXTRA or (mine.total() == usual + EXTRA and min(mine.values()) == 1)
            for project_id in list(held[ending])[:1]:
                held[ending] -= Counter([project_id])
        queue(connection, "anew", 30)
        connection.commit()
        full = [mine.total() >= usual + EXTRA for mine in held]
        claim_at_once(True)
        assert all(mine["anew"] or was_full for mine, was_full in zip(held, full, strict=True))
    assert len(seen) == len(set(seen))
    connection.execute("DELETE FROM executions")
    connection.commit()


def test_a_look_for_them_reads_little_of_long_queues(connection) -> None:
    worker_id = a_worker(connection)
    queue(connection, "many", 5_000)
    connection.execute(WAIT, {"project_id": "many", "days": -1})
    queue(connection, "many", 5_000)
    queue(connection, "z", 1)
    connection.execute("ANALYZE executions")
    held = ExtraPlaces(EXTRA, {"many": 50, "more": 2})
    parameters = {"worker_id": worker_id, "free": 0, "looks": 7, "turn": "many", "unclaimed": [], **held.parameters}
    for statement in (claims.CLAIM_NEW, extra_places.CLAIM_DUE_EXTRA):
        plan = plan_of(connection, statement, parameters)
        looks = [
            node for node in nodes(plan) if node.get("Relation Name") == "executions" and "Scan" in node["Node Type"]
        ]
        assert all(node["Actual Rows"] * node["Actual Loops"] <= 10 for node in looks), plan
        assert not any(node.get("Rows Removed by Filter") for node in looks), plan
