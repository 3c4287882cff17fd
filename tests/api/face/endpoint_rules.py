"""What a key that is limited to a project gets of others, from each endpoint of the route map."""

import json
from typing import Any
from urllib.parse import quote
from uuid import UUID

from tests.api.conftest import WORKFLOW

OBJECT, LIST, BULK, CREATE, COMMON, EVERYBODYS, NO_FORM, KEYS_OWN = (
    "object",
    "list",
    "bulk",
    "create",
    "common",
    "everybody's",
    "form",
    "key's own",
)
"""What a key that is limited to a project gets of others.

OBJECT: not found. LIST: only its own rows. BULK: its own are changed and others are not. CREATE: what it makes is in
its project. COMMON: shared by all projects, so it may be looked at. EVERYBODYS: shared, so it must not be changed.
KEYS_OWN: belongs to another key, so it is not found. NO_FORM: takes a form, and has tests of its own.
"""

CREDENTIAL = {"name": "Service", "type": "httpHeaderAuth", "data": {"name": "X-Key", "value": "v"}}
RELATION = {"userId": str(UUID(int=1)), "role": "project:viewer"}
ANY_ROW = {"filters": [{"columnName": "id", "condition": "gt", "value": 0}]}
QUERIES = {("DELETE", "/data-tables/<table_id>/rows/delete"): f"?filter={quote(json.dumps(ANY_ROW))}"}
"""What an endpoint asks for in its query string."""
RULES: dict[tuple[str, str], tuple[str, Any]] = {
    ("GET", "/executions"): (LIST, None),
    ("GET", "/executions/stats"): (COMMON, None),
    ("GET", "/executions/events"): (COMMON, None),
    ("GET", "/executions/<execution_id>"): (OBJECT, None),
    ("GET", "/executions/<execution_id>/data"): (OBJECT, None),
    ("DELETE", "/executions/<execution_id>"): (OBJECT, None),
    ("PATCH", "/executions/<execution_id>"): (OBJECT, {"annotation": {"vote": "up"}}),
    ("POST", "/executions/<execution_id>/retry"): (OBJECT, None),
    ("POST", "/executions/<execution_id>/stop"): (OBJECT, None),
    ("GET", "/executions/<execution_id>/progress"): (OBJECT, None),
    ("GET", "/executions/<execution_id>/tags"): (OBJECT, None),
    ("PUT", "/executions/<execution_id>/tags"): (OBJECT, []),
    ("POST", "/executions/delete"): (BULK, {"filter": {"workflowId": "all"}}),
    ("GET", "/executions/delete/<job_id>"): (OBJECT, None),
    ("GET", "/executions/retryMany/<job_id>"): (OBJECT, None),
    ("DELETE", "/executions/retryMany/<job_id>"): (OBJECT, None),
    ("POST", "/executions/retryMany"): (BULK, {"filter": {"status": ["error"]}}),
    ("POST", "/executions/stop"): (BULK, {"status": ["queued"]}),
    ("POST", "/executions/stopMany"): (BULK, {"filter": {"status": ["queued"]}}),
    ("GET", "/problems"): (LIST, None),
    ("GET", "/problems/<problem_id>"): (OBJECT, None),
    ("PATCH", "/problems/<problem_id>"): (OBJECT, {"status": "muted"}),
    ("POST", "/problems/<problem_id>/retry"): (OBJECT, None),
    ("GET", "/workflows"): (LIST, None),
    ("POST", "/workflows"): (CREATE, WORKFLOW),
    ("GET", "/workflows/<workflow_id>"): (OBJECT, None),
    ("PUT", "/workflows/<workflow_id>"): (OBJECT, WORKFLOW),
    ("DELETE", "/workflows/<workflow_id>"): (OBJECT, None),
    ("POST", "/workflows/<workflow_id>/activate"): (OBJECT, None),
    ("POST", "/workflows/<workflow_id>/deactivate"): (OBJECT, None),
    ("POST", "/workflows/<workflow_id>/run"): (OBJECT, {"wait": 0}),
    ("POST", "/workflows/<workflow_id>/execute"): (OBJECT, {"wait": 0}),
    ("POST", "/workflows/<workflow_id>/publish"): (OBJECT, None),
    ("POST", "/workflows/<workflow_id>/unpublish"): (OBJECT, None),
    ("POST", "/workflows/<workflow_id>/archive"): (OBJECT, None),
    ("POST", "/workflows/<workflow_id>/unarchive"): (OBJECT, None),
    ("PUT", "/workflows/<workflow_id>/transfer"): (OBJECT, {"destinationProjectId": "a"}),
    ("GET", "/workflows/<workflow_id>/history"): (OBJECT, None),
    ("GET", "/workflows/<workflow_id>/versions/<version_id>"): (OBJECT, None),
    ("GET", "/workflows/<workflow_id>/<version_id>"): (OBJECT, None),
    ("GET", "/workflows/<workflow_id>/tags"): (OBJECT, None),
    ("PUT", "/workflows/<workflow_id>/tags"): (OBJECT, []),
    ("GET", "/credentials"): (LIST, None),
    ("POST", "/credentials"): (CREATE, CREDENTIAL),
    ("GET", "/credentials/<credential_id>"): (OBJECT, None),
    ("PUT", "/credentials/<credential_id>/transfer"): (OBJECT, {"destinationProjectId": "a"}),
    ("PATCH", "/credentials/<credential_id>"): (OBJECT, {"name": "Other"}),
    ("DELETE", "/credentials/<credential_id>"): (OBJECT, None),
    ("POST", "/credentials/<credential_id>/test"): (OBJECT, None),
    ("GET", "/credentials/<credential_id>/authorize"): (OBJECT, None),
    ("GET", "/credentials/schema/<credential_type>"): (COMMON, None),
    ("GET", "/data-tables"): (LIST, None),
    ("POST", "/data-tables"): (CREATE, {"name": "Made", "columns": []}),
    ("GET", "/data-tables/<table_id>"): (OBJECT, None),
    ("PATCH", "/data-tables/<table_id>"): (OBJECT, {"name": "Renamed"}),
    ("DELETE", "/data-tables/<table_id>"): (OBJECT, None),
    ("GET", "/data-tables/<table_id>/columns"): (OBJECT, None),
    ("POST", "/data-tables/<table_id>/columns"): (OBJECT, {"name": "more", "type": "string"}),
    ("PATCH", "/data-tables/<table_id>/columns/<column_id>"): (OBJECT, {"name": "renamed"}),
    ("DELETE", "/data-tables/<table_id>/columns/<column_id>"): (OBJECT, None),
    ("GET", "/data-tables/<table_id>/rows"): (OBJECT, None),
    ("POST", "/data-tables/<table_id>/rows"): (OBJECT, {"data": [{"name": "new"}]}),
    ("PATCH", "/data-tables/<table_id>/rows/update"): (OBJECT, {"filter": ANY_ROW, "data": {"name": "new"}}),
    ("POST", "/data-tables/<table_id>/rows/upsert"): (OBJECT, {"filter": ANY_ROW, "data": {"name": "new"}}),
    ("DELETE", "/data-tables/<table_id>/rows/delete"): (OBJECT, None),
    ("DELETE", "/data-tables/<table_id>/rows/clear"): (OBJECT, None),
    ("GET", "/views"): (COMMON, None),
    ("POST", "/views"): (COMMON, {"name": "Mine", "query": "status=error"}),
    ("DELETE", "/views/<view_id>"): (KEYS_OWN, None),
    ("GET", "/variables"): (LIST, None),
    ("POST", "/variables"): (CREATE, {"key": "made", "value": ""}),
    ("PUT", "/variables/<variable_id>"): (OBJECT, {"key": "own", "value": "new"}),
    ("DELETE", "/variables/<variable_id>"): (OBJECT, None),
    ("GET", "/projects"): (LIST, None),
    ("POST", "/projects"): (EVERYBODYS, {"name": "New"}),
    ("PUT", "/projects/<project_id>"): (EVERYBODYS, {"name": "New"}),
    ("DELETE", "/projects/<project_id>"): (EVERYBODYS, None),
    ("GET", "/projects/<project_id>/users"): (OBJECT, None),
    ("POST", "/projects/<project_id>/users"): (
        EVERYBODYS,
        {"relations": [RELATION]},
    ),
    ("PATCH", "/projects/<project_id>/users/<user_id>"): (EVERYBODYS, {"role": "project:viewer"}),
    ("DELETE", "/projects/<project_id>/users/<user_id>"): (EVERYBODYS, None),
    ("GET", "/users"): (COMMON, None),
    ("POST", "/users"): (EVERYBODYS, [{"email": "new@example.com"}]),
    ("GET", "/users/<user_id>"): (COMMON, None),
    ("DELETE", "/users/<user_id>"): (EVERYBODYS, None),
    ("POST", "/n8n-packages/export"): (BULK, {"workflowIds": ["workflow-a"]}),
    ("POST", "/n8n-packages/import"): (NO_FORM, None),
    ("POST", "/audit"): (COMMON, {}),
    ("GET", "/discover"): (COMMON, None),
    ("GET", "/insights/summary"): (COMMON, None),
    ("GET", "/community-packages"): (COMMON, None),
    ("POST", "/community-packages"): (EVERYBODYS, {"name": "n8n-nodes-greet"}),
    ("PATCH", "/community-packages/<path:package_name>"): (EVERYBODYS, {}),
    ("DELETE", "/community-packages/<path:package_name>"): (EVERYBODYS, None),
    ("GET", "/tags"): (COMMON, None),
    ("POST", "/tags"): (COMMON, {"name": "New"}),
    ("GET", "/tags/<tag_id>"): (COMMON, None),
    ("PUT", "/tags/<tag_id>"): (EVERYBODYS, {"name": "New"}),
    ("DELETE", "/tags/<tag_id>"): (EVERYBODYS, None),
}
STATE_FORBIDS = {409, 400}  # an execution that ended cannot be stopped, a workflow without trigger not activated
