"""Server-sent events of what begins, changes and ends."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Response, current_app, request

from app.api.executions.filters import filter_of_query
from app.api.face.auth import allows, caller, shown_key
from app.api.face.blueprint import Blueprint
from app.api.face.errors import Refused
from app.api.face.services import NAME, Services, services
from app.api.face.sessions import session_token
from app.api.face.watchers import Authentication, Watcher
from app.http import STREAMING
from app.repository.api_keys import ApiKey
from app.repository.connection import transaction
from app.repository.console_sessions import find_session
from app.repository.execution_events import Moment
from app.repository.execution_filters import ExecutionFilter
from app.schemas.execution_events import ExecutionEventsQuery
from app.vocabulary import IN_FLIGHT

blueprint = Blueprint("executions-events", __name__, url_prefix="/api/v1/executions", description="As they happen.")
EVENT_STREAM = "text/event-stream"
SCOPE = "execution:list"
RETRY = b"retry: 2000\n\n"
MOMENT = re.compile(r"([0-9]{1,12})\.([0-9]{1,20}:[0-9]{1,20}:[0-9,]{0,4000})", re.ASCII)


@blueprint.endpoint(
    "GET",
    "/events",
    scope=SCOPE,
    query=ExecutionEventsQuery,
    answer={"description": "Server-sent events, as text."},
    content_type=EVENT_STREAM,
)
def get_execution_events(query: dict[str, Any]) -> Response:
    """Watch executions, as server-sent events: each is told when it is queued, starts, waits or ends.

    `ready`: from here on all is told. `execution`: its data is `{"change": "queued", "started", "waiting" or
    "ended", "execution": ...}` with the execution object; of one that runs for more than a second also `{"change":
    "progress", "execution": ..., "progress": {"current", "version", "nodes"}}`, as `/executions/{id}/progress` has
    it (`tries` only where there are any). What changes twice within half a second is told once; what is queued or
    has just started may be told again after a break. `reload`: too much has changed, or `Last-Event-ID` is older
    than a minute; read the list again. With a filter by a status that executions leave (new, running, waiting),
    those of the other statuses are told, too. A comment comes every 15 seconds. `Last-Event-ID` goes on where a
    connection broke off.
    """
    streaming = request.environ.get(STREAMING)
    if streaming is not None and streaming.full:
        raise Refused(503, "Too many watch at the moment", {"Retry-After": "10"})
    watchers = services().watchers
    watchers.require_room(caller().id)
    watcher = Watcher(watchers, filter_of(query), moment_of(request.headers.get("Last-Event-ID", "")), authentication())

    def body() -> Iterator[bytes]:
        yield RETRY
        if streaming is not None:
            streaming.go_on(watcher)
        yield watchers.catch_up(watcher)  # a server that cannot go on: the client comes again with Last-Event-ID

    response = Response(body(), content_type=EVENT_STREAM)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep events until it has a page of them
    return response


def filter_of(query: dict[str, Any]) -> ExecutionFilter:
    """What is told: no status where that would leave out that an execution is no more what was asked for."""
    wanted = filter_of_query(query, caller().project_id)
    return wanted if set(wanted.statuses).isdisjoint(IN_FLIGHT) else replace(wanted, statuses=())


def moment_of(text: str) -> Moment | None:
    """The moment that a Last-Event-ID names; None for none of ours."""
    match = MOMENT.fullmatch(text)
    return Moment(match[2], int(match[1])) if match else None


def authentication() -> Authentication:
    """What the caller has shown, and whether it is still valid when somebody asks, without a request."""
    app_services: Services = current_app.extensions[NAME]
    key, shown, session = caller(), shown_key(), session_token()

    def find_key() -> ApiKey | None:
        if shown:
            return app_services.api_keys.find(shown)
        with transaction(app_services.pool) as connection:
            return find_session(connection, session, in_use=False)

    def is_valid() -> bool:
        now = find_key()
        return now is not None and now.project_id == key.project_id and allows(now, SCOPE)

    return Authentication(key.id, (shown, session), is_valid)
