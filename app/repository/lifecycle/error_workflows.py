"""The workflow that starts because an execution has failed, crashed, or was stopped while it ran."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.repository import failure_words
from app.repository.callers import may_be_called
from app.repository.connection import Connection
from app.repository.lifecycle.creation import MAX_DEPTH, StartInput, create_execution, has_room_below
from app.repository.targets import Target
from app.vocabulary import Mode

MODE: Mode = "error"
MAX_ERROR_DEPTH = 3
"""As MAX_DEPTH, where it is error workflows that fail: two of them could start each other for ever."""
NOT_STARTED = (
    "(The error workflow was not started: too many executions would follow from each other, each from an error)"
)
NOT_CALLED = "(The error workflow was not started: its settings let no such workflow call it)"

SAY_NOT_STARTED = """
    UPDATE executions
       SET error_message = concat_ws(' ', error_message, %(said)s::text)
     WHERE id = %(id)s
"""

# The one rule of which error workflow starts, and where: the one that the settings name, else the workflow's own,
# within the project of what failed, and only at its last Error Trigger that is switched on. A manual run starts none,
# and a failing error workflow does not start itself.
WANTED = """
    SELECT e.id, e.workflow_id, v.name, e.mode, e.retry_of, w.id, current.id, w.project_id, entrance.node,
           e.depth, without_nul(current.definition) -> 'settings' ->> 'callerPolicy',
           without_nul(current.definition) -> 'settings' ->> 'callerIds'
      FROM executions AS e
      JOIN workflow_versions AS v ON v.id = e.workflow_version_id
      JOIN workflows AS w
        ON w.project_id = e.project_id
       AND w.id = coalesce(
               nullif(nullif(without_nul(v.definition) -> 'settings' ->> 'errorWorkflow', ''), 'DEFAULT'),
               e.workflow_id)
      JOIN workflow_versions AS current ON current.id = coalesce(w.active_version_id, w.version_id)
     CROSS JOIN LATERAL (
           SELECT n.node ->> 'name'
             FROM json_array_elements(without_nul(current.definition) -> 'nodes') WITH ORDINALITY AS n (node, place)
            WHERE n.node ->> 'type' = 'n8n-nodes-base.errorTrigger'
              AND n.node ->> 'disabled' IS DISTINCT FROM 'true'
            ORDER BY n.place DESC
            LIMIT 1) AS entrance (node)
     WHERE e.id = ANY(%(ids)s) AND NOT w.is_archived AND e.mode <> 'manual'
       AND (e.mode <> 'error' OR w.id <> e.workflow_id)
     ORDER BY e.id
       FOR KEY SHARE OF w
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """What an Error Trigger is told of a failure. `address`: where this server is reached from outside."""

    error: dict[str, Any]
    last_node: str | None = None
    address: str | None = None


def start_error_workflows(connection: Connection, failures: Mapping[int, Failure]) -> None:
    """Queue the error workflows of executions, by their ids; those that have none start nothing."""
    if not failures:
        return
    rows = connection.execute(WANTED, {"ids": list(failures)}).fetchall()
    for (
        execution_id,
        workflow_id,
        name,
        mode,
        retry_of,
        wanted,
        version_id,
        project_id,
        node,
        depth,
        policy,
        ids,
    ) in rows:
        deepest = MAX_ERROR_DEPTH if mode == MODE else MAX_DEPTH
        is_too_deep = depth >= deepest or not has_room_below(connection, depth, project_id)
        if is_too_deep or not (
            wanted == workflow_id or may_be_called({"callerPolicy": policy, "callerIds": ids}, workflow_id)
        ):
            said = NOT_STARTED if is_too_deep else NOT_CALLED
            connection.execute(SAY_NOT_STARTED, {"id": execution_id, "said": said})
            failure_words.note_changed(connection, [execution_id])  # one that was stopped had no message until now
            continue
        failure = failures[execution_id]
        create_execution(
            connection,
            Target(wanted, version_id, project_id),
            StartInput(node, item_of(failure, execution_id, mode, retry_of, {"id": workflow_id, "name": name})),
            mode=MODE,
            parent_id=execution_id,
        )


def item_of(failure: Failure, execution_id: int, mode: str, retry_of: int | None, workflow: dict[str, Any]) -> bytes:
    """The one item of the Error Trigger, in n8n's shape."""
    execution: dict[str, Any] = {"id": str(execution_id)}
    if failure.address is not None:
        execution["url"] = f"{failure.address}/console/executions/{execution_id}"
    if retry_of is not None:
        execution["retryOf"] = str(retry_of)
    execution["error"] = failure.error
    if failure.last_node is not None:
        execution["lastNodeExecuted"] = failure.last_node
    execution["mode"] = mode
    return orjson.dumps([{"json": {"execution": execution, "workflow": workflow}}], default=str)
