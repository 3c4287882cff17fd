"""What a live worker lets a run see of the variables."""

import pytest

from app.repository import projects, variables, workflows
from tests.workflows import code, node, set_field, stored

SEEN = "return [{ json: { seen: [$vars.region, $vars.own, $vars.others] } }]"


@pytest.mark.parametrize("inline", [False, True], ids=["its own", "within another"])
def test_a_run_sees_common_ones_and_those_of_its_project(queue, start_worker, inline: bool) -> None:
    for project in ("a", "b"):
        projects.create_project(queue.connection, project, project)
    for key, project in (("region", None), ("own", "a"), ("others", "b")):
        variables.create_variable(queue.connection, key, key=key, value=f"{key}!", project_id=project)
    asking = [code(SEEN), set_field("seen", "={{ $json.seen.concat($vars.own) }}")]
    if inline:
        child = stored(*asking, trigger=node("Start", "executeWorkflowTrigger", {"inputSource": "passthrough"}, 1.1))
        parameters = {"source": "parameter", "workflowJson": child.decode(), "options": {}}
        asking = [node("Edit", "executeWorkflow", parameters, 1.2)]
    workflows.create_workflow(queue.connection, "w1", project_id="a", name="w1", definition=stored(*asking))
    ids = queue.add()
    start_worker()
    [execution] = queue.wait_for(ids)
    assert execution.status == "success", execution.error_message
    [run] = queue.data(execution.id)["resultData"]["runData"]["Edit"]
    assert run["data"]["main"][0][0]["json"] == {"seen": '["region!","own!",null,"own!"]'}
