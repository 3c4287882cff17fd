"""The time zone of the instance, in runs and in what runs within them."""

import pytest

from app.repository import workflows
from tests.workflows import node, set_field, stored


@pytest.mark.parametrize("inline", [False, True], ids=["its own", "within another"])
def test_a_workflow_that_names_none_runs_in_the_instances_timezone(queue, start_worker, inline: bool) -> None:
    asking = [set_field("zone", "={{ $now.zoneName }}")]
    if inline:
        trigger = node("Start", "executeWorkflowTrigger", {"inputSource": "passthrough"}, 1.1)
        child = stored(*asking, trigger=trigger, timezone="DEFAULT")
        parameters = {"source": "parameter", "workflowJson": child.decode(), "options": {}}
        asking = [node("Edit", "executeWorkflow", parameters, 1.2)]
    definition = stored(*asking, timezone="DEFAULT")
    workflows.create_workflow(queue.connection, "w1", project_id="default", name="w1", definition=definition)
    ids = queue.add()
    start_worker(EXECUTIONS_TIMEZONE="Asia/Tokyo")
    [execution] = queue.wait_for(ids)
    assert execution.status == "success", execution.error_message
    [run] = queue.data(execution.id)["resultData"]["runData"]["Edit"]
    assert run["data"]["main"][0][0]["json"] == {"zone": "Asia/Tokyo"}
