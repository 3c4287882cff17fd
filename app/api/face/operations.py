"""For whoever runs the server: is it alive, is it ready, what does it measure. None of it needs a key."""

from flask import Blueprint, Response

from app.api.face.answers import answer, error
from app.api.face.auth import public
from app.api.face.metrics import executions_text
from app.api.face.services import database, services
from app.migrations import pending
from app.repository.connection import UNREACHABLE

blueprint = Blueprint("operations", __name__)


@blueprint.get("/healthz")
@public
def alive() -> Response:
    """This process answers."""
    return answer({"status": "ok"})


@blueprint.get("/healthz/readiness")
@public
def ready() -> Response:
    """The database is reachable and has every migration; 503 otherwise, saying what is missing.

    A database that a newer program has migrated is fine: an upgrade migrates first. So is one without workers: lists
    and reads are answered, and what is started waits for one.
    """
    try:
        with database() as connection:
            missing = pending(connection)
    except UNREACHABLE:
        return unready("The database is not available at the moment")
    if missing:
        return unready(f"The database lacks migrations: {', '.join(missing)}")
    return answer({"status": "ok"})


def unready(message: str) -> Response:
    """503, to be tried again soon."""
    response = error(message, 503)
    response.headers["Retry-After"] = "1"
    return response


@blueprint.get("/metrics")
@public
def metrics() -> Response:
    """All measurements in Prometheus' text format."""
    body = services().metrics.text() + executions_text(database, services().settings.lease_seconds)
    return Response(body, content_type="text/plain; version=0.0.4; charset=utf-8")
