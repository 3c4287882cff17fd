"""The dialog before many executions are changed: which ones, how many, and the calls of the API that do it.

The page's script sends those calls, with the same rules as anybody's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from flask import Response, request
from marshmallow import Schema

from app.api.face.auth import allows, caller
from app.api.face.errors import Refused
from app.api.face.reads import from_primary_after_all, reading
from app.console.execution_list import SUGGESTIONS, executions_of, list_request, state
from app.console.pages import may, page, part
from app.repository.connection import Connection
from app.repository.execution_counts import Count
from app.repository.execution_pages import read_page
from app.repository.executions import Execution, Tag, list_executions
from app.repository.retries import find_retryable
from app.repository.retry_jobs import COUNTED_UP_TO
from app.repository.tags import list_tags
from app.schemas.execution_actions import MAX_AT_ONCE, AnyFilter, RetryFilter, StopFilter
from app.schemas.execution_queries import ExecutionListQuery
from app.schemas.pages import key_of
from app.vocabulary import IN_FLIGHT, RETRYABLE, STATUSES

SCOPES = {
    "retry": "execution:retry",
    "stop": "execution:stop",
    "delete": "execution:delete",
    "tag": "execution:update",
}
POSSIBLE = {"retry": RETRYABLE, "stop": IN_FLIGHT, "delete": STATUSES, "tag": STATUSES}
"""Statuses that an action is for."""
BODIES: Mapping[str, Schema] = {"retry": RetryFilter(), "stop": StopFilter(), "delete": AnyFilter(), "tag": AnyFilter()}
"""What the filters of bulk calls know; all else is said by naming executions."""
LIST = ExecutionListQuery()


@dataclass(slots=True)
class Plan:
    """What will be done: `calls` of the API, to `count` executions; `cut` when there are more than one call takes.

    `executions`: which ones, where they are named and not found by a filter.
    """

    count: Count
    calls: list[dict[str, Any]]
    cut: bool = False
    executions: list[Execution] = field(default_factory=list)


@page("/executions/bulk/<action>", scope="execution:list")
@from_primary_after_all
def bulk_dialog(action: str) -> Response:
    """The dialog for what is selected, or else for all that match."""
    scope = SCOPES.get(action)
    if scope is None or not allows(caller(), scope):
        raise Refused(403, "Forbidden")
    with reading() as connection:
        ids = request.args.getlist("id")
        chosen = [e for e in executions_of(connection, ids) if e.status in POSSIBLE[action]] if ids else []
        plan = for_chosen(action, chosen) if ids else for_filter(connection, action)
        tags = choose_tags(connection, plan.executions) if action == "tag" else []
    return part(
        "parts/bulk_dialog.html",
        action=action,
        plan=plan,
        calls=orjson.dumps(plan.calls).decode(),
        picked=len(ids),
        only=plan.executions[0].id if len(plan.executions) == 1 else None,
        state=state(),
        tags=tags,
        carried={tag.id for tag in plan.executions[0].tags} if len(plan.executions) == 1 else set(),
    )


def choose_tags(connection: Connection, executions: list[Execution]) -> list[Tag]:
    """What can be chosen: the tags that one execution carries, which are to stay, and those that the key may list."""
    carried = list(executions[0].tags) if len(executions) == 1 else []
    listed = list_tags(connection, limit=SUGGESTIONS) if may("tag:list") else []
    known = {tag.id for tag in carried}
    return [*carried, *(Tag(tag.id, tag.name) for tag in listed if tag.id not in known)]


def for_chosen(action: str, chosen: list[Execution]) -> Plan:
    """What is done to the selected ones, of those that it can be done to."""
    ids = [str(execution.id) for execution in chosen]
    count = Count(len(ids), estimated=False)
    if not ids:
        return Plan(count, [])
    if action == "stop":
        many = {"ids": ids, "status": ["queued", "running", "waiting"]}
        calls = [call("POST", "/stopMany", {"filter": many}) if len(ids) > 1 else call("POST", f"/{ids[0]}/stop")]
        return Plan(count, calls, executions=chosen)
    if action == "tag":
        calls = [tagging(chosen[0])] if len(chosen) == 1 else [call("POST", "/tagMany", {"ids": ids, "tags": []})]
        return Plan(count, calls, executions=chosen)
    if action == "retry":
        return Plan(count, [call("POST", "/retryMany", {"filter": {"ids": ids}})], executions=chosen)
    return Plan(count, [call("POST", "/delete", {"ids": ids})], executions=chosen)


def for_filter(connection: Connection, action: str) -> Plan:
    """What is done to all that match."""
    asked = list_request()
    if asked.problems:
        raise Refused(400, "The filters are not right yet")
    statuses = [one for one in asked.wanted.statuses or STATUSES if one in POSSIBLE[action]]
    if not statuses:
        return Plan(Count(0, estimated=False), [])
    wanted = replace(asked.wanted, statuses=tuple(statuses))
    body = body_of(action, asked.query, statuses)
    if body is None:
        executions = list_executions(connection, wanted, limit=MAX_AT_ONCE)
        plan = for_chosen(action, executions)
        plan.cut = len(executions) == MAX_AT_ONCE
        return plan
    if action == "retry":
        number = len(find_retryable(connection, wanted, limit=COUNTED_UP_TO + 1))
        counted = Count(min(number, COUNTED_UP_TO), estimated=number > COUNTED_UP_TO)
        return Plan(counted, [call("POST", "/retryMany", {"filter": body})] if number else [])
    counted = read_page(connection, wanted, limit=1).count
    if not counted.value and not counted.estimated:
        return Plan(counted, [])
    if action == "tag":
        return Plan(counted, [call("POST", "/tagMany", {"filter": body, "tags": []})])
    return Plan(counted, [call("POST", "/stopMany" if action == "stop" else "/delete", {"filter": body})])


def body_of(action: str, query: Mapping[str, Any], statuses: Sequence[str]) -> dict[str, Any] | None:
    """The filter as the bulk call of this action takes it; None where it cannot say the same."""
    known = BODIES[action].fields
    body: dict[str, Any] = {"workflowId": "all"}
    for name in LIST.filters():
        if not query.get(name) or name == "status":
            continue
        if name not in known or (name == "workflow_id" and len(query[name]) > 1):
            return None
        given = LIST.fields[name].serialize(name, query)
        body[key_of(LIST, name)] = given[0] if name == "workflow_id" else given
    if action == "stop":
        body["status"] = ["queued" if status == "new" else status for status in statuses]
    elif len(statuses) < len(POSSIBLE[action]):
        body["status"] = list(statuses)
    return body


def tagging(execution: Execution) -> dict[str, Any]:
    """The call that gives one execution tags; the script puts what is chosen in the place of those that it carries."""
    carried = [tag.id for tag in execution.tags]
    return call("PATCH", f"/{execution.id}", {"annotation": {"tags": carried}})


def call(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """A call of the API, as the page's script sends it."""
    return {"method": method, "path": f"/api/v1/executions{path}", "body": body}
