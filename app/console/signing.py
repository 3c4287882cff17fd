"""Signing in, with an API key or with a link that somebody printed, and out."""

import re

from flask import Response, render_template, request, url_for

from app.api.face.auth import public
from app.api.face.services import database, services
from app.api.face.sessions import begin_session, end_session, require_same_origin, session_key
from app.console.pages import blueprint, lead_to
from app.key_text import MAX_LENGTH
from app.repository.console_sessions import LINK_MINUTES, use_link
from app.scopes import ANY

OURS = re.compile(r"/console/(?![^?#\s]*(?:\.|%2[eE]){2})[^/\\][^\\\s]*", re.ASCII)
"""An address of the console, and none that steps out of it by two dots."""
WRONG_KEY = "This is no valid API key. It may have expired, or been revoked."
OLD_LINK = f"This link has signed somebody in already, or is older than {LINK_MINUTES} minutes."


def form(problem: str = "", status: int = 200) -> Response:
    """The page with the form, and what was wrong with what was tried."""
    text = render_template("sign_in.html", problem=problem, next=place_after())
    return Response(text, status)


def place_after() -> str:
    """Where to go once signed in: where one wanted to go, within the console."""
    wanted = request.values.get("next", "")
    return wanted if OURS.fullmatch(wanted) else url_for("console.home")


@blueprint.get("/sign-in")
@public
def sign_in() -> Response:
    """The form; or what a link that signs in leads to, which is used up by it."""
    link = request.args.get("link", "")
    only_looks = request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", "")
    if not link or only_looks:
        return form()
    with database() as connection:
        api_key_id = use_link(connection, link)
    if api_key_id is not None:
        return begin_session(lead_to(place_after()), api_key_id)
    if session_key() is not None:  # who follows it once more is where they wanted to be
        return lead_to(place_after())
    return form(OLD_LINK, 403)


@blueprint.post("/sign-in")
@public
def begin() -> Response:
    """Sign in with an API key."""
    require_same_origin()
    text = request.form.get("key", "").strip()
    api_key = services().api_keys.find(text) if 0 < len(text) <= MAX_LENGTH else None
    if api_key is None:
        return form(WRONG_KEY, 403)
    return begin_session(lead_to(place_after()), api_key.id)


@blueprint.post("/sign-out")
def end() -> Response:
    """Sign out."""
    response = end_session(lead_to(url_for("console.sign_in")))
    response.headers["Clear-Site-Data"] = '"cache"'  # nobody goes back to what was shown
    return response


vars(end)["scope"] = ANY
