"""What a live worker lets a run do with data tables."""

from app.repository import projects, workflows
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
