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

from app.api.face.ignored import note_ignored
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
            given = {400, 401, 403, 429, 503, *errors}
            if body is not None:
                given |= {413, 415}
            if idempotent:
                given.add(422)
            refuses = strict or is_strict(method, scope)
            parser = self.PARSER if refuses else self.LENIENT_PARSER
            checked: Any = view
            if query is not None:
                checked = parser.use_args(query(), location="query")(checked)
            else:
                checked = without_query(checked, strict=refuses)
            if body is not None:
                checked = parser.use_args(body, location="json")(checked)
            checked.scope = scope
            # One view may be at several addresses.
            taken = any(other.view.__name__ == view.__name__ for other in self.endpoints)
            name = f"{view.__name__}_{len(self.endpoints)}" if taken else view.__name__
            self.add_url_rule(rule, name, checked, methods=[method])
            self.endpoints.append(
                Endpoint(
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
                    errors=frozenset(given),
                    idempotent=idempotent,
                    refuses_unknown=refuses,
                    example=example,
                )
            )
            return view

        return declare


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
