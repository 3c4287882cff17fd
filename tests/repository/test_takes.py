"""What one worker takes at a time, no other takes as well, however close their statements are."""

import threading

import pytest

from app.repository import listeners, node_package_wishes, polls, trigger_hooks, workflows
from app.repository.node_package_wishes import Wish
from app.repository.trigger_hooks import NewHook
from tests.patience import wait_until
from tests.repository.given import a_worker, a_workflow

pytestmark = pytest.mark.own_database


def ask_for_hook(connection) -> None:
    version_id = workflows.get_workflow(connection, "w1").version_id
    trigger_hooks.ask(connection, "w1", version_id, "create", [NewHook("Start", b"{}")])


TAKES = {
    "polls": (lambda c: polls.register(c, "w1", ["Start"]), polls.TAKE),
    "listeners": (lambda c: listeners.register(c, "w1", ["Start"], most=10), listeners.TAKE),
    "hooks": (ask_for_hook, trigger_hooks.TAKE),
    "wishes": (
        lambda c: node_package_wishes.ask(c, Wish("n8n-nodes-greet", "latest", False)),
        node_package_wishes.TAKE,
    ),
}


@pytest.mark.parametrize("kind", TAKES)
def test_a_row_that_another_has_just_taken_is_not_taken_again(connect, kind):
    ask, statement = TAKES[kind]
    one, other, watcher = connect(), connect(), connect(autocommit=True)
    a_workflow(one)
    workers = [a_worker(one), a_worker(one)]
    ask(one)
    one.commit()
    values = {"limit": 10, "lacked": [], "busy": [], "most": 3}
    assert one.execute(statement, {"worker_id": workers[0], **values}).rowcount == 1
    # As if the other had found the row before that, and came to lock it after.
    later = statement.replace("SKIP LOCKED", "")
    taken = []
    taking = threading.Thread(
        target=lambda: taken.append(other.execute(later, {"worker_id": workers[1], **values}).rowcount)
    )
    taking.start()
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    wait_until(lambda: watcher.execute(waiting).fetchall())
    one.commit()
    taking.join()
    assert taken == [0]
