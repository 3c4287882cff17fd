"""A project whose executions hold all places of a worker keeps no other one from running."""

import pytest

from app.repository import workflows
from tests.patience import wait_until
from tests.workflows import no_op, stored, wait


@pytest.mark.slow
def test_who_comes_while_one_project_holds_all_places(queue, start_worker) -> None:
    queue.save(stored(wait(64)), "long")
    queue.connection.execute("INSERT INTO projects (id, name) VALUES ('beta', 'Beta')")
    workflows.create_workflow(queue.connection, "short", project_id="beta", name="short", definition=stored(no_op()))
    many = queue.add("long", number=5)
    start_worker(EXECUTIONS_CONCURRENCY=2, EXECUTIONS_EXTRA_PLACES=1)
    wait_until(lambda: statuses(queue, many).count("running") == 2)
    for _ in range(2):
        assert {each.status for each in queue.wait_for(queue.add("short"))} == {"success"}
    assert sorted(statuses(queue, many)) == ["new", "new", "new", "running", "running"]


def statuses(queue, ids) -> list[str]:
    return [row[0] for row in queue.connection.execute("SELECT status FROM executions WHERE id = ANY(%s)", [ids])]
