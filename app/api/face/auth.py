"""Who calls, and whether they may: the API key of a request or of its session, and the scope of each endpoint."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import current_app, g, request

from app.api.face.errors import Refused
from app.api.face.licensed_paths import absent
from app.api.face.proxies import unwrap
from app.api.face.services import services
from app.api.face.sessions import session_key
from app.key_text import MAX_LENGTH
from app.repository.api_keys import ApiKey
from app.repository.errors import ProjectNotFound
from app.scopes import ANY

View = TypeVar("View", bound=Callable[..., Any])

HEADER = "X-N8N-API-KEY"
CHALLENGE = 'Bearer realm="a key of this API, in X-N8N-API-KEY or as Authorization: Bearer"'
"""Told with a refusal that has no words of its own: where a key belongs."""


def public(view: View) -> View:
    """Mark a view as one that needs no key."""
    view.public = True  # type: ignore[attr-defined]
    return view


def authorize() -> None:
    """Refuse a request whose key is missing, invalid, or lacks the endpoint's scope; public endpoints take any."""
    asked = unwrap(request)
    missing = absent(asked.path) if asked.endpoint is None else None
    if asked.endpoint is None and missing is None:
        return
    view = current_app.view_functions[asked.endpoint] if asked.endpoint else None
    if getattr(view, "public", False):
        return
    api_key = find_caller()
    if api_key is None:
        raise Refused(401, "Unauthorized", {"WWW-Authenticate": CHALLENGE})
    g.api_key = api_key
    seconds = services().rates.seconds_to_wait(api_key.id)
    if seconds:
        raise Refused(429, "Too many requests with this API key", {"Retry-After": str(seconds)})
    if view is None:
        raise Refused(403, missing or "Forbidden")
    scope = getattr(view, "scope", None)
    if scope is None or not allows(api_key, scope):
        raise Refused(403, "Forbidden")


def find_caller() -> ApiKey | None:
    """The valid key that the request shows, or that its session stands for. Raises Refused."""
    text = shown_key()
    if not text:
        return session_key()
    return services().api_keys.find(text) if len(text) <= MAX_LENGTH else None


def shown_key() -> str:
    """The key that the request shows, in our header or as a bearer token; empty for none."""
    text = request.headers.get(HEADER, "")
    if text:
        return text
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def allows(api_key: ApiKey, scope: str) -> bool:
    """Whether the key has this scope, by its name, as one of its resource (`tag:*`), or as one of all (`*`)."""
    return scope == ANY or not {scope, f"{scope.split(':')[0]}:*", "*"}.isdisjoint(api_key.scopes)


def caller() -> ApiKey:
    """The key of the present request."""
    return cast(ApiKey, g.api_key)


def chosen_project(named: str | None) -> str | None:
    """The project that a body names, else the key's own; None: neither. Raises ProjectNotFound for another one."""
    own = caller().project_id
    if named and own not in (None, named):
        raise ProjectNotFound
    return named or own


def require_scope(scope: str) -> None:
    """Refuse a key without this scope, where a call does more than its endpoint's scope says."""
    if not allows(caller(), scope):
        raise Refused(403, "Forbidden")


def require_all_projects() -> None:
    """Refuse a key that is limited to a project, where something concerns them all."""
    if caller().project_id is not None:
        raise Refused(403, "Forbidden")
