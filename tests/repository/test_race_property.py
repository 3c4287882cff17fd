"""Any two or three transactions on one execution or workflow, interleaved in any order: what must hold, holds.

Hypothesis chooses what happens, in which state it begins and who takes the next step; RACES=2000 looks at more cases.
"""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.repository.connection import Connection, connect
from tests.postgres import cloned_database
from tests.repository.interleaving import Stage
from tests.repository.race_aftermath import Aftermath
from tests.repository.race_operations import OPERATIONS, STATES, Scene, install, set_the_scene
from tests.soak import audit

CASES = int(os.environ.get("RACES", "100"))
CALM = {"retried": False, "active": False, "lapsed": False}
ACTORS = 3


@pytest.fixture(scope="module")
def shared_url(postgres_url: str) -> Iterator[str]:
    """One database for all races: each begins by emptying it."""
    with cloned_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def stage(shared_url: str) -> Iterator[Stage]:
    made = Stage(shared_url, ACTORS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def written_down(shared_url: str) -> Iterator[Connection]:
    """A connection to a database where every step of an execution is written down."""
    with connect(shared_url) as connection:
        install(connection)
        yield connection


def race(
    stage: Stage, connection: Connection, state: str, names: Sequence[str], order: Sequence[int], **how: Any
) -> None:
    """Let one race happen, and look at what came of it. `how` the scene is set."""
    scene = set_the_scene(connection, state, **how)
    before = len(audit.all_steps(connection))
    connection.commit()
    endings = stage.play([partial(call, OPERATIONS[name], scene) for name in names], order)
    told = dict(zip(names, endings, strict=True))
    wrong = list(Aftermath(connection, scene, told, before).wrong())
    connection.commit()
    assert not wrong, f"{wrong} after {told}"


def call(act: Any, scene: Scene, connection: Connection) -> Any:
    return act(connection, scene)


@pytest.mark.parametrize(
    ("state", "one", "other", "how"),
    [
        ("running", "finish as success", "stop", {}),
        ("running", "finish as error", "delete", {}),
        ("running", "finish as waiting", "stop all", {}),
        ("running", "finish as success", "reap", {"lapsed": True}),
        ("running", "stop", "delete", {}),
        ("running", "finish two", "delete many", {"retried": True}),
        ("new", "claim one", "claim all", {}),
        ("new", "claim one", "stop", {}),
        ("new", "claim all", "delete many", {}),
        ("new", "claim one", "reap", {"lapsed": True}),
        ("new", "stop all", "delete many", {}),
        ("waiting", "claim one", "stop", {}),
        ("waiting for a call", "resume", "stop", {}),
        ("error", "retry", "retry with the current workflow", {}),
        ("error", "retry", "delete", {}),
        ("error", "retry", "prune", {}),
        ("error", "retry many", "delete many", {"retried": True}),
        ("error", "annotate", "prune", {}),
        ("error", "retry with the current workflow", "delete the workflow", {}),
        ("new", "save", "activate", {}),
        ("new", "save", "save otherwise", {"active": True}),
        ("new", "save", "deactivate", {"active": True}),
        ("new", "activate", "delete the workflow", {}),
    ],
)
def test_one_comes_between_the_steps_of_the_other(
    stage: Stage, written_down: Connection, state: str, one: str, other: str, how: dict[str, bool]
) -> None:
    """Either is interrupted after each of its first steps, and the other goes as far as it can."""
    for names in ([one, other], [other, one]):
        for steps in range(1, 5):
            race(stage, written_down, state, names, [0] * steps + [1] * 40, **(CALM | how))


def test_nobody_waits_in_a_circle(stage: Stage, written_down: Connection) -> None:
    """Two that lock the same executions are held up by a third in the middle of it."""
    for names in (["annotate", "stop all", "delete many"], ["annotate", "delete many", "stop all"]):
        race(stage, written_down, "new", names, [0, 1, 1], **CALM)


def test_any_race_ends_well(stage: Stage, written_down: Connection) -> None:
    @settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        state=st.sampled_from(STATES),
        names=st.lists(st.sampled_from(sorted(OPERATIONS)), min_size=2, max_size=ACTORS, unique=True),
        order=st.lists(st.integers(0, ACTORS - 1), max_size=24),
        retried=st.booleans(),
        active=st.booleans(),
        lapsed=st.booleans(),
    )
    def races(state: str, names: list[str], order: list[int], **how: bool) -> None:
        written_down.rollback()
        race(stage, written_down, state, names, order, **how)

    races()
