"""What a live worker does with what is queued."""

import random
import time

import pytest

from app.repository import deletion_jobs, lifecycle, retries, retry_jobs, workflows
from app.repository.execution_filters import ExecutionFilter
from app.repository.restarts import NodeRun, Restart
from tests.patience import wait_until
from tests.repository.given import as_before_compression, lose_large_values
from tests.workflows import call_out, code, no_op, set_field, stop_and_error, stored, wait


def test_it_runs_what_is_queued_and_records_it(queue, start_worker) -> None:
    queue.save(stored(set_field("greeting", "=Hello {{ $json.name }}"), no_op()))
    ids = queue.add(number=30, items=b'[{"json":{"name":"Ada"}}]')
    start_worker(EXECUTIONS_CONCURRENCY=7)
    for execution in queue.wait_for(ids):
        assert execution.status == "success"
        assert execution.json_size_bytes > 100
        assert execution.input_preview == b'{"name":"Ada"}'
        data = queue.data(execution.id)["resultData"]
        assert data["lastNodeExecuted"] == "Done"
        assert data["runData"]["Done"][0]["data"]["main"][0][0]["json"] == {"greeting": "Hello Ada"}


def test_it_hears_of_new_work_at_once(queue, start_worker) -> None:
    queue.save(stored(no_op()))
    start_worker(EXECUTIONS_POLL_SECONDS=3600)
    queue.wait_for(queue.add())
    time.sleep(1)  # asleep by now, for an hour if nobody calls
    queue.wait_for(queue.add())


def test_it_finds_work_that_nobody_announced(queue, start_worker) -> None:
    queue.save(stored(no_op()))
    start_worker(EXECUTIONS_POLL_SECONDS=0.5)
    time.sleep(1)
    queue.connection.execute(
        "INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode)"
        " SELECT w.id, w.version_id, w.project_id, 'manual' FROM workflows AS w"
    )
    execution_id = queue.connection.execute("SELECT max(id) FROM executions").fetchone()[0]
    queue.wait_for([execution_id])


def test_an_error_names_its_node(staffed_queue) -> None:
    staffed_queue.save(stored(stop_and_error("no stock"), no_op()))
    [execution_id] = staffed_queue.add()
    [execution] = staffed_queue.wait_for([execution_id])
    assert (execution.status, execution.error_node, execution.error_message) == ("error", "Halt", "no stock")
    assert staffed_queue.ran(execution_id) == {"Start": ["success"], "Halt": ["error"]}


def test_a_stop_aborts_the_node_that_runs(staffed_queue, outside) -> None:
    staffed_queue.save(stored(set_field("a", "1"), call_out(f"{outside.address}/begun"), wait(60), no_op()))
    [execution_id] = staffed_queue.add()
    wait_until(lambda: outside.calls["/begun"], staffed_queue.get(execution_id))
    lifecycle.stop(staffed_queue.connection, execution_id)
    staffed_queue.wait_for_data([execution_id])
    assert staffed_queue.get(execution_id).status == "canceled"
    ran = staffed_queue.ran(execution_id)
    assert ran["Edit"] == ["success"], "what ran before stays readable"
    assert "success" not in ran.get("Wait", []), "it was not aborted: it has ended by itself"


def test_a_stop_reaches_code_that_never_ends(staffed_queue, outside) -> None:
    staffed_queue.save(stored(call_out(f"{outside.address}/begun"), code("while (true) {}"), no_op()))
    staffed_queue.save(stored(set_field("a", "={{ 1 + 1 }}")), "neighbour")
    [endless] = staffed_queue.add()
    wait_until(lambda: outside.calls["/begun"], staffed_queue.get(endless))
    [neighbour] = staffed_queue.add("neighbour")
    assert staffed_queue.wait_for([neighbour])[0].status == "success"
    lifecycle.stop(staffed_queue.connection, endless)
    staffed_queue.wait_for_data([endless])
    assert staffed_queue.ran(endless).get("Code") != ["error"], "it was not aborted: its own limit has ended it"
    assert staffed_queue.wait_for(staffed_queue.add("neighbour", 3))[0].status == "success"


def test_a_stop_is_noticed_when_the_hint_is_lost(staffed_queue) -> None:
    staffed_queue.save(stored(wait(60)))
    [execution_id] = staffed_queue.add()
    staffed_queue.wait_for([execution_id], ["running"])
    staffed_queue.connection.execute(
        "UPDATE executions SET status = 'canceled', stopped_at = now() WHERE id = %s", [execution_id]
    )
    staffed_queue.wait_for_data([execution_id])
    assert "success" not in staffed_queue.ran(execution_id).get("Wait", [])


def test_a_long_wait_survives_the_restart_of_everything(queue, start_worker) -> None:
    queue.save(stored(set_field("before", "x"), wait(3600), no_op()))
    [execution_id] = queue.add()
    first = start_worker()
    [waiting] = queue.wait_for([execution_id], ["waiting"])
    assert 3500 < (waiting.wait_till - waiting.created_at).total_seconds() < 3700
    assert first.stop() == 0
    queue.connection.execute("UPDATE executions SET wait_till = now() + interval '1 second'")
    start_worker()
    [execution] = queue.wait_for([execution_id])
    assert execution.status == "success"
    assert queue.ran(execution_id) == {name: ["success"] for name in ("Start", "Edit", "Wait", "Done")}


def test_a_retry_goes_on_at_the_node_that_failed(staffed_queue) -> None:
    staffed_queue.save(stored(code("return [{json: {once: Math.random()}}]", "Dice"), stop_and_error(), no_op()))
    [failed] = staffed_queue.add()
    staffed_queue.wait_for([failed])
    mended = stored(code("return [{json: {once: Math.random()}}]", "Dice"), no_op("Halt"), no_op())
    workflows.save_workflow(staffed_queue.connection, "w1", name="w1", definition=mended)
    again = retries.retry(staffed_queue.connection, failed, load_workflow=False)
    assert staffed_queue.wait_for([again])[0].status == "error", "the version that ran still halts"
    as_before_compression(staffed_queue.connection, again)
    [retry] = staffed_queue.wait_for([retries.retry(staffed_queue.connection, again, load_workflow=True)])
    assert (retry.status, retry.mode, retry.retry_of) == ("success", "retry", again)
    dice = [staffed_queue.data(i)["resultData"]["runData"]["Dice"] for i in (failed, again, retry.id)]
    assert dice[0] == dice[1] == dice[2], "the nodes before the failure have not run again"
    assert [staffed_queue.get(i).retry_success_id for i in (failed, again)] == [retry.id, retry.id]


def test_a_retry_of_a_retry_that_never_began_begins_where_that_one_was_to(staffed_queue) -> None:
    connection = staffed_queue.connection

    def run_after_a_stop(original: int, restart: Restart) -> dict:
        with connection.transaction():  # stopped before a worker sees it
            never_began = retries.retry(connection, original, load_workflow=False, restart=restart)
            lifecycle.stop(connection, never_began)
        [retry] = staffed_queue.wait_for([retries.retry(connection, never_began, load_workflow=False)])
        return staffed_queue.data(retry.id)["resultData"]["runData"]

    staffed_queue.save(stored(code("return [{json: {n: Math.random()}}]", name="Dice"), no_op()))
    [execution] = staffed_queue.wait_for(staffed_queue.add())
    rolled = staffed_queue.data(execution.id)["resultData"]["runData"]["Dice"]
    ran = run_after_a_stop(execution.id, Restart(NodeRun("Done"), b'[{"json":{"n":"other"}}]'))
    assert ran["Dice"] == rolled
    assert ran["Done"][0]["data"]["main"][0][0]["json"] == {"n": "other"}
    halting = stored(code("return [{json: {n: Math.random()}}]", name="Dice"), stop_and_error("no stock"))
    workflows.save_workflow(connection, "w1", name="w1", definition=halting)
    [failed] = staffed_queue.wait_for(staffed_queue.add())
    rolled = staffed_queue.data(failed.id)["resultData"]["runData"]["Dice"]
    assert run_after_a_stop(failed.id, Restart())["Dice"] == rolled
    assert run_after_a_stop(failed.id, Restart("start"))["Dice"] != rolled


def cut_short(connection) -> None:
    assert connection.execute("UPDATE execution_data SET encoded = substr(encoded, 1, 20)").rowcount == 2


@pytest.mark.parametrize("damage", [cut_short, lose_large_values])
def test_what_goes_on_from_damaged_data_fails_alone(staffed_queue, damage) -> None:
    connection = staffed_queue.connection
    large = set_field("text", random.Random(1).randbytes(8_000).hex())
    staffed_queue.save(stored(large, stop_and_error("no stock")))
    staffed_queue.save(stored(large, wait(3600)), "waits")
    [failed], [waiting] = staffed_queue.wait_for(staffed_queue.add()), staffed_queue.add("waits")
    staffed_queue.wait_for([waiting], ["waiting"])
    damage(connection)
    place_of = {retries.retry(connection, failed.id, load_workflow=False): "failure"}
    staffed_queue.wait_for(place_of)
    place_of[retries.retry(connection, failed.id, load_workflow=False, restart=Restart("start"))] = "start"
    connection.execute("UPDATE executions SET wait_till = now() WHERE status = 'waiting'")
    ended = staffed_queue.wait_for([waiting, *place_of])
    messages = {execution.id: execution.error_message for execution in ended}
    assert {place: messages[number].partition(".")[0] for number, place in place_of.items()} == {
        "failure": "What was recorded before is damaged",
        "start": "no stock",
    }
    assert messages[waiting].startswith("What was recorded before is damaged. Retry with from: start")
    assert staffed_queue.data(waiting)["resultData"]["error"]["message"] == messages[waiting]


def test_a_retry_of_what_left_no_data_starts_over_with_the_same_input(queue, start_worker) -> None:
    queue.save(stored(set_field("name", "={{ $json.name }}")))
    [execution_id] = queue.add(items=b'[{"json":{"name":"Ada"}}]')
    lifecycle.stop(queue.connection, execution_id)
    start_worker()
    [retry] = queue.wait_for([retries.retry(queue.connection, execution_id, load_workflow=False)])
    edited = queue.data(retry.id)["resultData"]["runData"]["Edit"][0]["data"]["main"][0][0]["json"]
    assert edited == {"name": "Ada"}


def test_whatever_json_can_hold_comes_back(staffed_queue) -> None:
    staffed_queue.save(stored(no_op()))
    items = '[{"json":{"nul":"\\u0000","big":9007199254740993,"deep":[[[{}]]],"":"empty","é":"ü"}}]'
    [execution_id] = staffed_queue.add(items=items.encode())
    staffed_queue.wait_for([execution_id])
    came_back = staffed_queue.data(execution_id)["resultData"]["runData"]["Done"][0]["data"]["main"][0][0]["json"]
    assert came_back == {"nul": "\0", "big": 9007199254740993, "deep": [[[{}]]], "": "empty", "é": "ü"}


def test_data_that_is_nested_deeply_is_kept(staffed_queue) -> None:
    staffed_queue.save(stored(no_op()))
    levels = 300
    items = f'[{{"json":{{"deep":{"[" * levels}{"]" * levels}}}}}]'.encode()
    [execution_id] = staffed_queue.add(items=items)
    [execution] = staffed_queue.wait_for([execution_id])
    assert execution.status == "success", execution.error_message
    deep = staffed_queue.data(execution_id)["resultData"]["runData"]["Start"][0]["data"]["main"][0][0]["json"]["deep"]
    for _ in range(levels - 1):
        [deep] = deep
    assert deep == []


def test_it_prunes_what_is_old(queue, start_worker) -> None:
    queue.save(stored(no_op()))
    ids = queue.add(number=5)
    first = start_worker()
    queue.wait_for(ids)
    first.stop()
    queue.connection.execute(
        "UPDATE executions SET created_at = created_at - interval '3 hours', stopped_at = now() - interval '3 hours'"
        " WHERE id <> %s",
        [ids[-1]],
    )
    start_worker(EXECUTIONS_PRUNE_AGE_HOURS=2)
    wait_until(lambda: queue.connection.execute("SELECT count(*) FROM executions").fetchone() == (1,))
    assert queue.get(ids[-1]).status == "success"


@pytest.mark.slow
def test_it_retries_many_in_the_background_where_they_ran(staffed_queue) -> None:
    staffed_queue.save(stored(stop_and_error("no stock"), no_op()))
    ids = staffed_queue.add(number=3)
    staffed_queue.wait_for(ids)
    for node, retried in (("Halt", 3), ("Done", 0)):
        place = Restart(NodeRun(node))
        wanted = ExecutionFilter(ids=tuple(ids))
        job_id = retry_jobs.create_retry_job(staffed_queue.connection, wanted, load_workflow=False, restart=place)
        wait_until(lambda: retry_jobs.get_retry_job(staffed_queue.connection, job_id).finished_at)  # noqa: B023
        assert retry_jobs.get_retry_job(staffed_queue.connection, job_id).retried == retried
    messages = {one.message for one in retry_jobs.read_results(staffed_queue.connection, job_id, limit=9)}
    assert messages == {"The node 'Done' is not in the execution, or never ran"}


def test_it_deletes_in_the_background(staffed_queue) -> None:
    staffed_queue.save(stored(no_op()))
    ids = staffed_queue.add(number=3)
    staffed_queue.wait_for(ids)
    job_id = deletion_jobs.create_deletion_job(staffed_queue.connection, ExecutionFilter(workflow_ids=("w1",)))
    wait_until(lambda: deletion_jobs.get_deletion_job(staffed_queue.connection, job_id).finished_at)
    assert deletion_jobs.get_deletion_job(staffed_queue.connection, job_id).deleted == 3
    assert staffed_queue.connection.execute("SELECT count(*) FROM execution_data").fetchone() == (0,)
