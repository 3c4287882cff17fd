"""How an endpoint is declared: its path, the scope that it needs, what it takes, and every answer that it can give.

One declaration serves the routing, the checks before a view, and the OpenAPI document.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

import flask_smorest  # type: ignore[import-untyped]
from flask import request
from marshmallow import Schema, ValidationError

from app.api.face.ignored import note_ignored
from app.api.face.parsers import LenientParser, Parser
from app.schemas.errors import ErrorSchema

View = TypeVar("View", bound=Callable[..., Any])

WHEN = {
    400: "The request is malformed or asks for what cannot be",
    401: "No API key, or one that is not valid",
    403: "The API key lacks the scope of this endpoint",
    404: "There is no such object, or the API key may not see it",
    409: "The state of the object forbids it",
    413: "The request body is too large",
    415: "The request body is not JSON",
    422: "The Idempotency-Key was used with another request",
    429: "This API key has used up its requests of this minute; Retry-After says when to try again",
    503: "The database is not available at the moment; Retry-After says when to try again",
}
SAID = {
    401: {"message": "Unauthorized"},
    403: {"message": "Forbidden"},
    404: {"message": "Execution not found"},
    409: {"message": "Cannot retry a running or waiting execution"},
    400: {"message": "limit: Must be at least 1.", "errors": {"limit": ["Must be at least 1."]}},
}
ERROR = ErrorSchema()
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
PATH_PARTS = {
    "execution_id": ("The execution's id, a decimal number.", "1042"),
    "job_id": ("The id of a deletion, or of retries, in the background; a decimal number.", "7"),
    "problem_id": ("The problem's id, a decimal number.", "12"),
    "workflow_id": ("The workflow's id.", "MXoWndJluwYcxmlO"),
    "version_id": ("The version's id.", "2927badf-cb1f-4e6a-99ef-e6ad1e804164"),
    "tag_id": ("The tag's id.", "tag_production"),
    "credential_id": ("The credential's id.", "vHxaz5UaCghVYl9C"),
    "credential_type": ("The type of credential.", "httpBasicAuth"),
    "table_id": ("The data table's id.", "3EsDmOXPqnJ0CV90"),
    "column_id": ("The column's id.", "ym2ByTftAFM8GH7f"),
    "variable_id": ("The variable's id.", "kW3n0bEQ5vQ2cXrT"),
    "user_id": ("The user's id or e-mail address.", "owner@executions.local"),
    "project_id": ("The project's id.", "default"),
    "view_id": ("The view's id, a decimal number.", "3"),
    "package_name": ("What npm calls the package; a slash in it may be written as it is.", "n8n-nodes-evolution-api"),
}
ACTS = frozenset({"execute", "retry", "stop", "delete"})
"""Scopes, of whatever resource, of what starts, retries, stops or deletes."""
REFUSES_UNKNOWN = "x-refuses-unknown"
"""Says in the document whether an endpoint refuses what it does not know, or passes it over."""
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "The same key and body within 24 hours get the first answer again, and nothing is done twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """The endpoints of one resource."""

    ARGUMENTS_PARSER = Parser()
    LENIENT_PARSER = LenientParser()

    def endpoint(
        self,
        method: str,
        rule: str,
        *,
        scope: str,
        answer: type[Schema] | Schema | dict[str, Any] | None = None,
        status: int = 200,
        content_type: str | None = None,
        query: type[Schema] | None = None,
        body: Schema | None = None,
        body_required: bool = True,
        errors: Iterable[int] = (),
        idempotent: bool = False,
        strict: bool = False,
        example: Any = None,
    ) -> Callable[[View], View]:
        """Declare an endpoint. The view gets the loaded query or body first, then the path's parts by name.

        `errors` are the statuses that it can answer with beyond those that every endpoint of its kind can. `strict`:
        nothing misspelt is passed over, though what it does can be done again.
        """

        def declare(view: View) -> View:
            given = {400, 401, 403, 429, 503, *errors}
            if body is not None:
                given |= {413, 415}
            if idempotent:
                given.add(422)
            refuses = strict or is_strict(method, scope)
            parser = self.ARGUMENTS_PARSER if refuses else self.LENIENT_PARSER
            lean: Any = view
            described: Any = self.response(status, answer, content_type=content_type)(view)
            answers = described._apidoc["response"]["responses"]
            for code in sorted(given):
                answers.setdefault(code, []).append(error_answer(code))
            if query is not None:
                lean = parser.use_args(query(), location="query")(lean)
                described = self.arguments(query, location="query")(described)
            else:
                lean = without_query(lean, strict=refuses)
            if body is not None:
                lean = parser.use_args(body, location="json")(lean)
                described = self.arguments(body, location="json", required=body_required, example=example)(described)
            described = self.doc(
                operationId=operation_id(view.__name__),
                security=[{"apiKey": []}],
                **{"x-required-scope": scope, REFUSES_UNKNOWN: refuses},
            )(described)
            # The decorators that describe the view would each stand between it and every request.
            lean._apidoc = described._apidoc
            lean.scope = scope
            parameters = [path_part(name) for name in PATH_PARTS if f"<{name}>" in rule or f":{name}>" in rule]
            parameters += [IDEMPOTENCY_KEY] if idempotent else []
            self.route(rule, methods=[method], parameters=parameters, tags=[self.name.split("-")[0]])(lean)
            return view

        return declare


def error_answer(code: int) -> dict[str, Any]:
    """What the document says about an error, as `alt_response` has it, which copies the whole endpoint each time."""
    said: dict[str, Any] = {"schema": ERROR, "description": WHEN[code], "content_type": None}
    if code in SAID:
        said["example"] = SAID[code]
    if code in (429, 503):
        said["headers"] = RETRY_AFTER
    return said


def path_part(name: str) -> dict[str, Any]:
    """What the document says about a part of a path."""
    description, example = PATH_PARTS[name]
    return {"in": "path", "name": name, "description": description, "required": True, "example": example}


def is_strict(method: str, scope: str) -> bool:
    """Whether an endpoint starts, stops, retries or deletes something: there a misspelt name must not be passed over.

    It might have kept the call from doing more than was meant. The others can be called again.
    """
    return method == "DELETE" or scope.partition(":")[2] in ACTS


def without_query(view: View, *, strict: bool) -> View:
    """Refuse query parameters where an endpoint takes none, or pass over them."""

    @wraps(view)
    def call_view(*args: Any, **kwargs: Any) -> Any:
        unknown = [name for name, given in request.args.lists() if any(given)]
        if unknown and strict:
            raise ValidationError({name: ["Unknown field."] for name in unknown})
        note_ignored(unknown)
        return view(*args, **kwargs)

    return cast(View, call_view)


def operation_id(name: str) -> str:
    """The view's name in camel case."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
