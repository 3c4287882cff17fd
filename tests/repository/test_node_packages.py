"""The list of node packages, what workers leave to others because of it, and wishes about it."""

import orjson
import pytest

from app.repository import lifecycle, node_package_wishes, node_packages, polls, workers, workflows
from app.repository.errors import NodePackageBusy, NodePackageNotFound
from app.repository.lifecycle import claims
from app.repository.node_package_wishes import MAX_ATTEMPTS, Wish
from app.repository.node_packages import NewNodePackage
from tests.repository.given import a_new_execution, a_worker, a_workflow
from tests.repository.plans import nodes, plan_of

GREET = "n8n-nodes-greet.greet"
WISH = Wish("n8n-nodes-greet", "latest", False)


def a_package(
    name: str = "n8n-nodes-greet", version: str = "1.0.0", types: tuple[str, ...] = (GREET,)
) -> NewNodePackage:
    return NewNodePackage(name, version, "sha512-", "MIT", None, None, "{}", b"{}", [], list(types))


def a_workflow_with(connection, kind: object, workflow_id: str) -> None:
    definition = orjson.dumps({"nodes": [{"name": "A", "type": kind}, {"name": "B", "type": kind}]})
    workflows.create_workflow(connection, workflow_id, project_id="default", name="W", definition=definition)
    connection.commit()


def test_the_revision_rises_with_each_change_of_the_list(connection):
    revisions = [node_packages.read_revision(connection)]
    for change in (
        lambda: node_packages.put_package(connection, a_package()),
        lambda: node_packages.put_package(connection, a_package(version="2.0.0")),
        lambda: node_packages.remove_package(connection, "n8n-nodes-greet"),
    ):
        change()
        revisions.append(node_packages.read_revision(connection))
    assert revisions == sorted(set(revisions))
    with pytest.raises(NodePackageNotFound):
        node_packages.remove_package(connection, "n8n-nodes-greet")


def test_a_worker_leaves_what_it_lacks_to_others(connection):
    a_workflow(connection)
    a_workflow_with(connection, GREET, "w2")
    worker_id = a_worker(connection)
    blocked = a_new_execution(connection, "w2")
    plain = a_new_execution(connection, "w1")
    due = a_new_execution(connection, "w2")
    wait = "UPDATE executions SET status = 'waiting', started_at = now(), wait_till = now() WHERE id = %s"
    connection.execute(wait, [due])
    connection.commit()
    asked = []

    def lacked(given, revision):
        asked.append(revision)
        return [GREET]

    assert [claim.id for claim in lifecycle.claim(connection, worker_id, 10, lacked)] == [plain]
    assert asked == [node_packages.read_revision(connection)]
    assert [claim.id for claim in lifecycle.claim(connection, worker_id, 10)] == [due, blocked]


def test_a_worker_leaves_polls_that_need_what_it_lacks(connection):
    a_workflow_with(connection, GREET, "w1")
    worker_id = a_worker(connection)
    polls.register(connection, "w1", ["A"])
    assert polls.take(connection, worker_id, 10, [GREET]) == []
    assert [poll.trigger.workflow_id for poll in polls.take(connection, worker_id, 10, ["other"])] == ["w1"]


def test_versions_from_before_are_looked_into(connection):
    a_workflow_with(connection, GREET, "w1")
    connection.execute("UPDATE workflow_versions SET node_types = NULL")
    a_new_execution(connection, "w1")
    worker_id = a_worker(connection)
    assert lifecycle.claim(connection, worker_id, 10, lambda *_: [GREET]) == []


@pytest.mark.parametrize("definition", ["{}", '{"nodes":7}', '{"nodes":[7,{"type":7},{"type":null},[]]}', "[]", "7"])
def test_what_is_no_workflow_has_no_types(connection, definition):
    assert connection.execute("SELECT node_types_of(%s::json)", [definition]).fetchone() == ([],)


def test_which_types_are_lacked_goes_by_name_and_version(connection):
    node_packages.put_package(connection, a_package())
    node_packages.put_package(connection, a_package("@acme/nodes", "2.0.0", ("@acme/nodes.a",)))
    assert node_packages.lacked_types(connection, []) == ["@acme/nodes.a", GREET]
    assert node_packages.lacked_types(connection, ["n8n-nodes-greet@1.0.0"]) == ["@acme/nodes.a"]
    assert node_packages.lacked_types(connection, ["n8n-nodes-greet@0.9.0", "@acme/nodes@2.0.0"]) == [GREET]


def test_a_claim_that_leaves_something_uses_the_same_index(connection):
    a_workflow(connection)
    worker_id = a_worker(connection)
    connection.execute("""
        INSERT INTO workflow_versions (workflow_id, name, definition)
        SELECT 'w1', 'W', '{}' FROM generate_series(1, 500)
    """)
    connection.execute("ANALYZE workflow_versions")  # of few rows any index is as good
    connection.execute("SET enable_seqscan = off")
    connection.execute("SET enable_sort = off")  # few rows are sorted as quickly as they are read in order
    for statement in (claims.CLAIM_NEW_LACKING, claims.CLAIM_DUE_LACKING):
        parameters = {"worker_id": worker_id, "lacked": [GREET], "limit": 10, "unclaimed": []}
        plan = plan_of(connection, statement, parameters)
        scans = {node.get("Index Name") for node in nodes(plan)}
        assert scans & {"executions_in_flight", "executions_waiting"}, plan
        assert "workflow_versions_pkey" in scans, plan


def test_a_wish_is_carried_out_by_one_worker_at_a_time(connection):
    first, second = a_worker(connection), a_worker(connection)
    node_package_wishes.ask(connection, WISH)
    with pytest.raises(NodePackageBusy):
        node_package_wishes.ask(connection, WISH)
    assert node_package_wishes.take(connection, first) == WISH
    assert node_package_wishes.take(connection, second) is None
    assert node_package_wishes.read_outcome(connection, WISH.name).pending
    workers.retire(connection, first)
    assert node_package_wishes.take(connection, second) == WISH
    node_package_wishes.fail(connection, first, WISH.name, "too late")
    assert node_package_wishes.read_outcome(connection, WISH.name).pending
    node_package_wishes.fail(connection, second, WISH.name, "no such version")
    assert node_package_wishes.read_outcome(connection, WISH.name).error == "no such version"
    node_package_wishes.ask(connection, WISH)
    node_package_wishes.fulfil(connection, WISH.name)
    outcome = node_package_wishes.read_outcome(connection, WISH.name)
    assert (outcome.pending, outcome.error) == (False, None)


def test_a_wish_that_ends_its_workers_is_given_up(connection):
    node_package_wishes.ask(connection, WISH)
    for _ in range(MAX_ATTEMPTS):
        worker_id = a_worker(connection)
        assert node_package_wishes.take(connection, worker_id) == WISH
        workers.retire(connection, worker_id)
    assert node_package_wishes.take(connection, a_worker(connection)) is None
    assert node_package_wishes.read_outcome(connection, WISH.name).error == node_package_wishes.GIVEN_UP


def test_living_workers_say_what_they_lack(connection):
    worker_id = a_worker(connection)
    node_packages.note_errors(connection, worker_id, {"n8n-nodes-greet": "no network"})
    [error] = node_packages.list_errors(connection, lease_seconds=30)
    assert (error.package, error.message) == ("n8n-nodes-greet", "no network")
    node_packages.note_errors(connection, worker_id, {})
    assert node_packages.list_errors(connection, lease_seconds=30) == []
