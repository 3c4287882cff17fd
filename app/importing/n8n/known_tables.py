"""What of n8n's tables is needed, and what does not come from an n8n that is too old to have it."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from app.importing.n8n.rows import Row
from app.importing.n8n.sentences import Sentences

Columns = Mapping[str, Collection[str]]
"""The columns of each table that is there."""

KEYS = {
    "annotation_tag_entity": ("id",),
    "credentials_entity": ("id", "type"),
    "data_table": ("id",),
    "data_table_column": ("id", "name", "type", "dataTableId"),
    "deployment_key": ("id", "value"),
    "folder": ("id",),
    "processed_data": ("workflowId", "value"),
    "project": ("id",),
    "role": ("id",),
    "shared_credentials": ("credentialsId", "projectId"),
    "shared_workflow": ("workflowId", "projectId"),
    "tag_entity": ("id",),
    "user": ("id",),
    "user_api_keys": ("apiKey",),
    "variables": ("id", "key"),
    "webhook_entity": ("method", "webhookPath", "workflowId"),
    "workflow_entity": ("id",),
    "workflow_history": ("versionId", "workflowId"),
    "workflows_tags": ("workflowId", "tagId"),
}
"""Without these a row says nothing."""

ABSENT = {
    "annotation_tag_entity": "executions have no tags",
    "credentials_entity": "there are no credentials",
    "data_table": "there are no data tables",
    "execution_annotations": "executions have no votes and no notes",
    "execution_data": "executions have no data",
    "execution_entity": "there are no executions",
    "execution_metadata": "executions have no custom data",
    "folder": "workflows are in no folders",
    "processed_data": "what Remove Duplicates has seen is not known: it takes what comes next as new",
    "project": "there are no projects: everything goes into one",
    "tag_entity": "workflows have no tags",
    "user_api_keys": "API keys do not come: make new ones",
    "variables": "there are no variables",
    "webhook_entity": "the addresses of its webhooks are not compared at the switch",
    "workflow_history": "of each workflow the current version comes, and those that its executions ran",
}
"""What it means that there is no such table."""

ABSENT_COLUMNS = {
    ("execution_annotations", "note"): "executions have no notes",
    ("execution_annotations", "vote"): "executions have no votes",
    ("execution_data", "data"): "executions have no data",
    ("execution_data", "workflowData"): "of executions that name no version it is not known what ran",
    ("execution_entity", "createdAt"): "executions are as old as their start",
    ("execution_entity", "deletedAt"): "what it has deleted comes, too, where it is still there",
    ("execution_entity", "retryOf"): "retries come as manual executions",
    ("execution_entity", "retrySuccessId"): "which retry mended a failure is not known",
    ("execution_entity", "status"): "how executions ended is told from whether they finished and wait",
    ("execution_entity", "workflowVersionId"): "which version ran is told from what executions hold",
    ("shared_workflow", "projectId"): "there are no projects: everything goes into one",
    ("workflow_entity", "activeVersionId"): "the current version of a workflow is the one that is active",
    ("workflow_entity", "isArchived"): "no workflow is archived",
    ("workflow_entity", "parentFolderId"): "workflows are in no folders",
    ("workflow_entity", "pinData"): "workflows have no pinned data",
    ("workflow_entity", "settings"): "workflows have no settings",
    ("workflow_entity", "staticData"): "workflows have no static data",
    ("workflow_entity", "versionId"): "versions get ids of their own",
}
"""What it means that a table has no such column."""

MAX_NAMED = 20
"""Rows that a table's remarks name by their ids; others are told as one."""

EARLIER_DATA_TABLES = "data_store"
"""What n8n called data tables in their first versions."""


def remarks_on(columns: Columns, hidden: Collection[str] = ()) -> Iterator[str]:
    """What does not come from a database with these columns, in sentences. `hidden`: tables that may not be read."""
    earlier = {"user_api_keys"} if "apiKey" in columns.get("user", ()) else ()
    for table, meaning in ABSENT.items():
        if table in hidden:
            yield f"n8n's table {table} may not be read with this role: {meaning}."
        elif table not in columns and table not in earlier:
            yield f"This n8n has no table {table}: {meaning}."
    for (table, column), meaning in ABSENT_COLUMNS.items():
        if table in columns and column not in columns[table]:
            yield f"This n8n's table {table} has no column {column}: {meaning}."
    if EARLIER_DATA_TABLES in columns:
        yield "This n8n keeps data tables in data_store, which is not read: update n8n, so that they come."


def rows_with_keys(table: str, rows: Iterable[Row], remarks: Sentences) -> Iterator[Row]:
    """The rows that have their keys; which others were passed over is added to `remarks`, once."""
    keys, named = KEYS.get(table, ()), 0
    for row in rows:
        absent = [key for key in keys if row.get(key) is None]
        if not absent:
            yield row
            continue
        said = f"without {' and '.join(absent)}"
        own = row.get("id")
        if own is not None and all(key in row for key in absent) and named < MAX_NAMED:
            named += 1
            remark = f"The row {own!r:.60} of n8n's table {table} was passed over: it is {said}."
        else:
            remark = f"Rows of n8n's table {table} {said} were passed over."
        remarks.add(remark)


def has_number(execution: Row, remarks: Sentences) -> bool:
    """Whether an execution's id is a whole number, which it is an int afterwards; that it was passed over is added to
    `remarks`."""
    own = execution["id"]
    if not isinstance(own, bool | str | bytes | None):
        try:
            execution["id"] = int(own)
        except (ArithmeticError, TypeError, ValueError):
            execution["id"] = None
        if execution["id"] == own:
            return True
    remark = f"An execution with the id {own!r:.40} was passed over."
    remarks.add_some(remark, "More executions whose ids are no whole numbers were passed over.", MAX_NAMED)
    return False
