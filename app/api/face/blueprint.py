"""How an endpoint is declared: its path, the scope that it needs, what it takes, and every answer that it can give.

One declaration serves the routing, the checks before a view, and the OpenAPI document (app.api.face.document).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Blueprint as FlaskBlueprint
from flask import request
from marshmallow import Schema, ValidationError

from app.api.face.ignored_names import note_ignored
from app.api.face.parsers import LenientParser, Parser

View = TypeVar("View", bound=Callable[..., Any])

ACTS = frozenset({"execute", "retry", "stop", "delete"})
"""Scopes, of whatever resource, of what starts, retries, stops or deletes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What was declared of an endpoint, for the document."""

    view: Callable[..., Any]
    method: str
    rule: str
    scope: str
    answer: type[Schema] | Schema | dict[str, Any] | None
    status: int
    content_type: str | None
    query: type[Schema] | None
    body: Schema | None
    body_required: bool
    errors: frozenset[int]
    """All statuses of errors that it can answer with."""
    idempotent: bool
    refuses_unknown: bool
    example: Any


class Blueprint(FlaskBlueprint):
    """The endpoints of one resource."""

    PARSER = Parser()
    LENIENT_PARSER = LenientParser()

    def __init__(self, name: str, import_name: str, *, url_prefix: str, description: str = "") -> None:
        super().__init__(name, import_name, url_prefix=url_prefix)
        self.description = description
        self.endpoints: list[Endpoint] = []

    def endpoint(  # type: ignore[override]  # of no use here is what Flask has under this name
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
            declared = Endpoint(
                view=view,
                method=method,
                rule=rule,
                scope=scope,
                answer=answer,
                status=status,
                content_type=content_type,
                query=query,
                body=body,
                body_required=body_required,
                errors=all_errors(errors, takes_body=body is not None, idempotent=idempotent),
                idempotent=idempotent,
                refuses_unknown=strict or is_strict(method, scope),
                example=example,
            )
            self._add_route(declared)
            self.endpoints.append(declared)
            return view

        return declare

    def _add_route(self, endpoint: Endpoint) -> None:
        """Call the view at its address, with what the call's query and body load to."""
        parser = self.PARSER if endpoint.refuses_unknown else self.LENIENT_PARSER
        call: Any = endpoint.view
        if endpoint.query is not None:
            call = parser.use_args(endpoint.query(), location="query")(call)
        else:
            call = without_query(call, strict=endpoint.refuses_unknown)
        if endpoint.body is not None:
            call = parser.use_args(endpoint.body, location="json")(call)
        call.scope = endpoint.scope
        name = endpoint.view.__name__
        # One view may be at several addresses.
        if any(other.view.__name__ == name for other in self.endpoints):
            name = f"{name}_{len(self.endpoints)}"
        self.add_url_rule(endpoint.rule, name, call, methods=[endpoint.method])


def all_errors(errors: Iterable[int], *, takes_body: bool, idempotent: bool) -> frozenset[int]:
    """These statuses, and those that every endpoint of its kind can answer with."""
    statuses = {400, 401, 403, 429, 503, *errors}
    if takes_body:
        statuses |= {413, 415}
    if idempotent:
        statuses.add(422)
    return frozenset(statuses)


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
