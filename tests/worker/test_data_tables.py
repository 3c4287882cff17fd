"""What a live worker lets a run do with data tables."""

from app.repository import data_tables, projects, workflows
from tests.workflows import code, node, stored


def test_a_run_keeps_rows_in_the_tables_of_its_project(queue, start_worker) -> None:
    projects.create_project(queue.connection, "a", "a")
    columns = {"column": [{"name": "key", "type": "string"}, {"name": "seen", "type": "number"}]}
    table = {"__rl": True, "mode": "name", "value": "Seen"}
    reuse = {"createIfNotExists": True}
    create = {"resource": "table", "operation": "create", "tableName": "Seen", "columns": columns, "options": reuse}
    conditions = {"conditions": [{"keyName": "key", "condition": "eq", "keyValue": "={{ $json.key }}"}]}
    upsert = {"operation": "upsert", "dataTableId": table, "filters": conditions}
    upsert["columns"] = {"mappingMode": "defineBelow", "value": {"key": "={{ $json.key }}", "seen": "={{ $json.n }}"}}
    steps = [
        node("Create", "dataTable", create, 1.1),
        code("return ['a', 'b', 'a'].map((key, n) => ({ json: { key, n } }))"),
        node("Upsert", "dataTable", upsert, 1.1),
    ]
    workflows.create_workflow(queue.connection, "w1", project_id="a", name="w1", definition=stored(*steps))
    start_worker()
    for _ in range(2):
        [execution] = queue.wait_for(queue.add())
        assert execution.status == "success", execution.error_message
    found = "SELECT t.project_id, r.id, r.cells FROM data_table_rows AS r JOIN data_tables AS t ON t.id = r.table_id"
    rows = [
        (project, own_id, sorted(map(str, cells.values())))
        for project, own_id, cells in queue.connection.execute(found)
    ]
    assert sorted(rows) == [("a", 1, ["2", "a"]), ("a", 2, ["1", "b"])]


def test_a_table_that_somebody_holds_keeps_nobody_else_waiting(queue, start_worker, connect) -> None:
    """More executions than the worker has threads wait for one table, and those of others go on."""
    projects.create_project(queue.connection, "a", "a")
    data_tables.create_table(queue.connection, "held", project_id="a", name="held")
    table = {"__rl": True, "mode": "id", "value": "held"}
    insert = {"operation": "insert", "dataTableId": table, "columns": {"mappingMode": "autoMapInputData"}}
    asking = stored(code("return [{ json: {} }]"), node("Insert", "dataTable", insert, 1.1))
    workflows.create_workflow(queue.connection, "asking", project_id="a", name="asking", definition=asking)
    queue.save(stored(code("return [{ json: { done: true } }]")), "others")
    with connect() as holder:
        data_tables.lock_table(holder, "held")
        start_worker()
        held = queue.add("asking", 8)
        queue.wait_for(held, ["running"])
        queue.wait_for(queue.add("others", 3))
        assert {execution.status for execution in queue.wait_for(held, ["running"])} == {"running"}
    assert {execution.status for execution in queue.wait_for(held)} == {"success"}
