"""What every page has: who may see it, how it is rendered, its headers, and what becomes of errors."""

import logging
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, TypeVar

from flask import Blueprint, Response, g, render_template, request, url_for

from app.api.face import errors
from app.api.face.auth import allows, public
from app.api.face.sessions import page_token
from app.console import rows, texts
from app.console.assets import assets

log = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., Any])

PREFIX = "/console"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}
FOREVER = "public, max-age=31536000, immutable"
"""How long a file may be kept whose name changes with its content."""
KEPT_FOR_ASKING = "private, no-cache"
"""A browser may show a page again as it was when somebody goes back to it, and a part when it is still the same."""

NAVIGATION = (
    ("Executions", "list", "console.list_page", "execution:list"),
    ("Problems", "problem", "console.problem_list", "execution:list"),
    ("Workflows", "workflow", "console.workflow_list", "workflow:list"),
    ("Engine room", "engine", "console.engine_room", "execution:list"),
)
"""The pages of the bar on top: label, icon, endpoint, and the scope that one needs."""

blueprint = Blueprint("console", __name__, url_prefix=PREFIX, template_folder="templates")


def page(rule: str, *, scope: str) -> Callable[[View], View]:
    """Declare a page, or a part of one, for keys that have this scope."""

    def declare(view: View) -> View:
        view.scope = scope  # type: ignore[attr-defined]
        blueprint.get(rule)(view)
        return view

    return declare


def may(scope: str) -> bool:
    """Whether the present session's key has this scope."""
    return "api_key" in g and allows(g.api_key, scope)


def asks_for_part() -> bool:
    """Whether a script of a page asks, to put the answer into that page."""
    return "HX-Request" in request.headers


def part(template: str, **values: Any) -> Response:
    """A part of a page; 304 where the browser has it already."""
    response = Response(render_template(template, **values), content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = KEPT_FOR_ASKING
    response.vary.update(["Cookie", "HX-Request"])
    response.add_etag()
    response.make_conditional(request)
    return response


def lead_to(place: str) -> Response:
    """An answer that leads a browser elsewhere, to be got there whatever the method was."""
    return Response(status=303, headers={"Location": place})


@blueprint.get("/static/<name>")
@public
def asset(name: str) -> Response:
    """A script or style."""
    file = assets().by_address.get(name)
    if file is None:
        return failure(404, "There is no such file")
    response = Response(file.content, content_type=file.content_type)
    response.headers["Cache-Control"] = FOREVER
    return response


@blueprint.get("/<path:rest>")
@public
def nothing(rest: str) -> Response:
    """A page that there is not."""
    return failure(404, "There is no such page")


def failure(status: int, message: str) -> Response:
    """The page that says what went wrong."""
    return Response(render_template("failure.html", status=status, message=message), status)


def answer_failure(handler: Callable[[Any], Response]) -> Callable[[Exception], Response]:
    """What the API would say of an exception, as a page; whoever is not signed in is asked to."""

    def answer(problem: Exception) -> Response:
        said = handler(problem)
        if said.status_code == 401:
            return ask_to_sign_in()
        message = (said.get_json(silent=True) or {}).get("message", "")
        try:
            response = failure(said.status_code, message)
        except Exception:  # a fault that the page has, too
            log.exception("the page of a failure cannot be made")
            return said
        if "Retry-After" in said.headers:
            response.headers["Retry-After"] = said.headers["Retry-After"]
        return response

    return answer


def ask_to_sign_in() -> Response:
    """The way to the page that signs in, and from there back to this one.

    A script gets no more than the status: the page that it belongs to stays, with what was written in it.
    """
    if asks_for_part():
        return Response(status=401)
    wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
    return lead_to(url_for("console.sign_in", next=wanted))


@blueprint.after_request
def add_headers(response: Response) -> Response:
    """Give an answer the headers that all pages have."""
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = KEPT_FOR_ASKING
    response.headers.update({name: text for name, text in HEADERS.items() if name not in response.headers})
    return response


@lru_cache(maxsize=1_024)
def address(endpoint: str, **values: Any) -> str:
    """Where a page is, from the root: the same in each request."""
    return url_for(endpoint, **values)


@cache
def asset_address(name: str) -> str:
    """Where a script or style is, by its plain name."""
    return url_for("console.asset", name=assets().address(name))


@blueprint.context_processor
def for_templates() -> dict[str, Any]:
    """What every template can use."""
    return {
        "asset": asset_address,
        "url_for": address,
        "may": may,
        "navigation": NAVIGATION,
        "page_token": page_token(g.session_token) if "session_token" in g else "",
        "caller": g.get("api_key"),
    }


for kind, handler in errors.HANDLERS:
    blueprint.register_error_handler(kind, answer_failure(handler))
for name, write in (*texts.FILTERS.items(), *rows.FILTERS.items()):
    blueprint.add_app_template_filter(write, name)
