"""Whose an address is: another project's webhooks keep theirs, whatever mix of literal and parameter parts asks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.repository import projects, triggers
from app.repository.connection import Connection
from app.repository.errors import AlreadyExists
from app.repository.triggers import NewWebhook
from tests.repository.given import a_workflow

OVERLAPPING = [
    ("hook/users/:id", "hook/users/42"),
    ("hook/users/:id", "hook/:a/42"),
    ("hook/users/:id", "hook/:a/:b"),
    ("hook/users/:id", "hook/users/:other"),
    ("hook/:id", "hook/x"),
    ("hook/users/:id/orders/:no", "hook/:a/7/:b/8"),
    ("hook/:a//:b", "hook/1//2"),
    ("orders", "orders"),
    ("orders/new", "orders/:what"),
]
BEHIND_ONE_ID = [
    ("hook/users/:id", "hook/users"),
    ("hook/users/:id", "hook"),
    ("hook/users/:id", "hook/users/42/43"),
    ("hook/users/:id", "hook/orders/42"),
    ("hook/users/:id", "hook/orders/:id"),
    ("hook/users/:id", "hook/:a"),
    ("hook/users/:id", "hook/:a/:b/:c/:d"),
]
"""What a webhook with parameters does not answer, but what only its own project may take."""
APART = [
    ("hook/users/:id", "Hook/users/42"),
    ("hook/users/:id", "hook-2/users/42"),
    ("hook/users/:id", "other/users/:id"),
    ("hook/users/:id", "other/hook/users/42"),
    ("orders/new", "orders/old"),
    ("orders", "orders/new"),
]


def webhook(address: str, method: str = "GET", node: str = "Hook") -> NewWebhook:
    """A webhook at what is called; the first segment is the webhook's id where others hold parameters."""
    webhook_id: str | None = None
    path = address
    if "/:" in address:
        webhook_id, _, path = address.partition("/")
    pattern = "/".join(":" if segment.startswith(":") else segment for segment in path.split("/"))
    return NewWebhook(node, method, path, webhook_id, pattern, b"{}")


@pytest.fixture
def connection(connection: Connection) -> Connection:
    for project in ("alpha", "beta"):
        projects.create_project(connection, project, project)
    for workflow_id, project in (("a1", "alpha"), ("a2", "alpha"), ("b1", "beta")):
        a_workflow(connection, workflow_id, project_id=project)
    return connection


def register(connection: Connection, workflow_id: str, *webhooks: NewWebhook, visible: str | None = None) -> None:
    with connection.transaction():
        triggers.register(connection, workflow_id, webhooks, [], visible=visible)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("first", "second"),
    [*OVERLAPPING, *BEHIND_ONE_ID, *(pair[::-1] for pair in [*OVERLAPPING, *BEHIND_ONE_ID])],
)
def test_what_another_projects_webhook_answers_is_refused(
    connection: Connection, first: str, second: str, method: str
) -> None:
    register(connection, "b1", webhook(first))
    with pytest.raises(AlreadyExists) as refused:
        register(connection, "a1", webhook("fine"), webhook(second, method, "Other"), visible="alpha")
    assert str(refused.value) == f"The webhook {method} {webhook(second).path} is taken already"
    assert triggers.find_webhooks(connection, "fine") == []


@pytest.mark.parametrize(("first", "second"), [*APART, *(pair[::-1] for pair in APART)])
def test_what_no_call_could_mean_twice_is_let_in(connection: Connection, first: str, second: str) -> None:
    register(connection, "b1", webhook(first))
    register(connection, "a1", webhook(second))


@pytest.mark.parametrize(("first", "second"), [*OVERLAPPING, *BEHIND_ONE_ID])
def test_a_project_may_mix_its_own(connection: Connection, first: str, second: str) -> None:
    register(connection, "a1", webhook(first))
    if webhook(first).pattern == webhook(second).pattern and webhook(first).webhook_id == webhook(second).webhook_id:
        with pytest.raises(AlreadyExists, match=r"'Workflow a1' \(a1\)"):
            register(connection, "a2", webhook(second), visible="alpha")
    else:
        register(connection, "a2", webhook(second))
    register(connection, "a2", webhook(second, "POST"))


def test_a_key_for_all_projects_is_told_whose_it_is(connection: Connection) -> None:
    register(connection, "b1", webhook("orders"))
    with pytest.raises(AlreadyExists, match=r"'Workflow b1' \(b1\)"):
        register(connection, "a1", webhook("orders"))


def test_two_of_a_workflow_cannot_be_the_same(connection: Connection) -> None:
    with pytest.raises(AlreadyExists, match="Two webhooks of this workflow have the same address GET orders"):
        register(connection, "a1", webhook("orders"), webhook("orders", node="Other"))


@pytest.mark.parametrize(("first", "second"), [*OVERLAPPING, *BEHIND_ONE_ID])
def test_of_two_projects_at_the_same_moment_one_is_refused(connect, connection, first: str, second: str) -> None:
    start = threading.Barrier(2)

    def act(workflow_id: str, address: str) -> bool:
        own = connect()
        start.wait()
        try:
            register(own, workflow_id, webhook(address))
        except AlreadyExists:
            own.rollback()
            return False
        own.commit()
        return True

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(act, ["a1", "b1"], [first, second]))
    assert sorted(done) == [False, True]


def test_the_second_waits_until_the_first_has_decided(connect, connection: Connection) -> None:
    first, second = connect(), connect()
    triggers.register(first, "b1", [webhook("hook/users/:id")], [])
    second.execute("SET lock_timeout = '100ms'")
    with pytest.raises(Exception, match="lock timeout"):
        triggers.register(second, "a1", [webhook("hook/users/42")], [])
    second.rollback()
    triggers.register(second, "a1", [webhook("elsewhere/42")], [])
    first.rollback()


def test_a_workflow_of_thousands_of_webhooks_takes_few_locks(connection: Connection) -> None:
    with connection.transaction():
        triggers.register(connection, "a1", [webhook(f"s{n}/x", node=f"n{n}") for n in range(3000)], [])
        own = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        held = connection.execute(own).fetchone()
        assert held is not None
        assert 0 < held[0] <= 64
