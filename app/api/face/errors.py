"""Where everything that goes wrong becomes an HTTP answer, and the only place where it does."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, current_app, g, request
from gunicorn.http.errors import NoMoreData, ParseException  # type: ignore[import-untyped]
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from app.api.face.answers import error, shorten
from app.data_tables.errors import InvalidData
from app.repository import errors as domain
from app.repository.connection import UNREACHABLE
from app.schemas.workflows import UnusableWorkflow
from app.triggers import InvalidTrigger

log = logging.getLogger(__name__)

STATUS_OF: dict[type[domain.RepositoryError], int] = {
    domain.NotFound: 404,
    domain.Conflict: 409,
    domain.CannotDelete: 400,
    domain.IsArchived: 400,
    domain.Invalid: 400,
    domain.IdempotencyKeyReused: 422,
}
SENTENCES = {
    404: "Not found",
    405: "The method is not allowed here",
    413: "The request body is too large",
}


class Refused(Exception):
    """A request that is refused with a status and a sentence of its own."""

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        more: Mapping[str, Any] | None = None,
        plain: bool = False,
    ) -> None:
        """`plain`: the sentence itself is the answer, as text."""
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.more = more or {}
        self.plain = plain


def from_data_table(problem: InvalidData) -> Response:
    """400 with what is wrong with the data."""
    return error(str(problem), 400)


def from_domain(problem: domain.RepositoryError) -> Response:
    """The status that STATUS_OF has for the error, with its message."""
    for kind, status in STATUS_OF.items():
        if isinstance(problem, kind):
            return error(problem.message, status)
    return render_unexpected(problem)


def from_refusal(problem: Refused) -> Response:
    """What the view has refused the call with."""
    answer = plain_error(problem) if problem.plain else error(str(problem), problem.status, **problem.more)
    answer.headers.update(problem.headers)
    return answer


def plain_error(problem: Refused) -> Response:
    """The sentence as text."""
    return Response(shorten(str(problem)), problem.status, content_type="text/plain; charset=utf-8")


def from_workflow(problem: UnusableWorkflow | InvalidTrigger) -> Response:
    """400 with what is wrong with the workflow."""
    return error(str(problem), 400)


def from_validation(problem: ValidationError) -> Response:
    """400 with the first thing that is wrong as the sentence, and all of them by field."""
    messages = problem.messages
    errors = with_text_keys(messages if isinstance(messages, dict) else {"_schema": messages})
    if errors.keys() == {"_schema"}:
        return error(first_sentence(errors), 400)
    return error(first_sentence(errors), 400, errors=errors)


def with_text_keys(errors: Any) -> Any:
    """The errors with text for the numbers by which marshmallow names the entries of a list."""
    return {str(key): with_text_keys(inner) for key, inner in errors.items()} if isinstance(errors, dict) else errors


def first_sentence(errors: object, path: str = "") -> str:
    """Where the first thing is that is wrong, and what."""
    if isinstance(errors, dict) and errors:
        key, inner = next(iter(errors.items()))
        return first_sentence(inner, path if key == "_schema" else f"{path}.{key}" if path else str(key))
    text = str(errors[0]) if isinstance(errors, list) and errors else str(errors)
    return f"{path}: {text}" if path else text


def from_http(problem: HTTPException) -> Response:
    """What Flask and Werkzeug refuse; a redirect cannot happen, nothing here redirects."""
    status = problem.code or 500
    answer = error(SENTENCES.get(status) or problem.description or problem.name, status)
    for name, value in problem.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    if status == 405 and (allowed := methods_of(request.path)):
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


def methods_of(path: str) -> set[str]:
    """What an endpoint allows whose path has no variable parts; empty when there is none.

    To Werkzeug /executions/delete is also an /executions/<execution_id>, with that one's methods.
    """
    path = path.removesuffix("/") or path
    rules = [rule for rule in current_app.url_map.iter_rules() if rule.rule == path]
    return set().union(*(rule.methods or set() for rule in rules))


def from_reading(problem: Exception) -> Response:
    """A body whose chunks are none, or that stopped coming; where the next request begins is unknown."""
    answer = error("The request body could not be read", 400)
    answer.headers["Connection"] = "close"
    return answer


def from_database(problem: Exception) -> Response:
    """The database is away or busy: the client may try again."""
    problem_text = f"{type(problem).__name__}: {problem}"
    log.warning("database unavailable", extra={"problem": problem_text, "request_id": g.get("request_id")})
    answer = error("The database is not available at the moment", 503)
    answer.headers["Retry-After"] = "1"
    return answer


def render_unexpected(problem: Exception) -> Response:
    """500, and the fault in the log; the caller learns nothing of it."""
    log.error("unexpected error", exc_info=problem, extra={"request_id": g.get("request_id")})
    return error("Internal server error", 500)


HANDLERS: tuple[tuple[type[Exception], Callable[[Any], Response]], ...] = (
    (domain.RepositoryError, from_domain),
    (Refused, from_refusal),
    (UnusableWorkflow, from_workflow),
    (InvalidData, from_data_table),
    (InvalidTrigger, from_workflow),
    (ValidationError, from_validation),
    *((broken, from_database) for broken in UNREACHABLE),
    *((unreadable, from_reading) for unreadable in (ParseException, NoMoreData)),
    (HTTPException, from_http),
    (Exception, render_unexpected),
)
"""What answers each kind of exception."""


def register(app: Flask) -> None:
    """Let every error of this app take the shape."""
    for kind, handler in HANDLERS:
        app.register_error_handler(kind, handler)
