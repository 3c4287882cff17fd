"""Consents of OAuth: the address to send somebody to, and the page that they come back to, at n8n's paths."""

import base64
import hashlib
import logging
from collections.abc import Callable
from html import escape
from itertools import islice
from typing import Any

import flask
from flask import Response, g, request

from app.api.credentials import get_visible_credential, read_held
from app.api.face.answers import answer
from app.api.face.auth import caller, public
from app.api.face.blueprint import Blueprint
from app.api.face.errors import Refused
from app.api.face.html_pages import html_page
from app.api.face.services import database, services
from app.api.face.sessions import session_key
from app.credentials.consents import CALLBACKS, TooManyAtOnce
from app.credentials.errors import CannotDecrypt
from app.credentials.oauth_errors import OAuthError
from app.repository.api_keys import ApiKey, digest
from app.repository.oauth import Visitor
from app.schemas.credentials import ConsentSchema

log = logging.getLogger(__name__)

blueprint = Blueprint("credentials-consents", __name__, url_prefix="/api/v1/credentials")
callbacks = flask.Blueprint("callbacks", __name__)

STYLE = "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}"
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
BUSY = "Too many providers are being asked at the moment"
NO_KEY = "The server cannot read what credentials are encrypted with"
MAX_PARAMETERS = 50


@blueprint.endpoint(
    "GET", "/<credential_id>/authorize", scope="credential:update", answer=ConsentSchema, errors=[404, 409]
)
def authorize_credential(credential_id: str) -> Response:
    """Where to send somebody so that this credential may act for them: open the address in a browser.

    It is good for one use within ten minutes, and a newer one takes its place. Asked for by a session of the console,
    it ends in that session alone; asked for with a key, whoever is sent there may consent, but nobody who is signed in
    to the console with another key.
    """
    with database() as connection:
        credential = get_visible_credential(connection, credential_id)
        held = read_held(connection, credential)
    try:
        url = services().consents.begin(credential, held, visitor(caller()), database)
    except OAuthError as error:
        raise Refused(409, str(error)) from error
    except TooManyAtOnce:
        raise Refused(503, BUSY, {"Retry-After": "2"}) from None
    return answer({"authorizationUrl": url})


def visitor(api_key: ApiKey | None) -> Visitor:
    """Who calls, with the session that was shown."""
    session: str | None = g.get("session_token")
    return Visitor(None if api_key is None else api_key.id, None if session is None else digest(session))


def finish_consent() -> Response:
    """The page that says whether it has worked, or what the provider has said."""
    if request.method == "HEAD":  # a link checker only looks; what it looks at is good once
        return Response(status=204)
    query = dict(islice(request.args.items(), MAX_PARAMETERS))
    try:
        name = services().consents.finish(query, visitor(session_key()), database)
    except OAuthError as error:
        return page("Not connected", str(error), 400)
    except (CannotDecrypt, OSError) as error:
        log.error("a consent cannot be finished", extra={"reason": str(error)})
        return page("Not connected", NO_KEY, 409)
    except TooManyAtOnce:
        return page("Not connected", f"{BUSY}. Start the consent again.", 503)
    return page("Connected", f'The credential "{name}" can be used now.', 200)


def page(title: str, text: str, status: int) -> Response:
    """A page without any script; texts are escaped."""
    body = f"<h1>{escape(title)}</h1><p>{escape(text)}</p><p>You can close this window.</p>"
    response = html_page(title, body, style=STYLE, policy=POLICY, status=status)
    response.headers["X-Frame-Options"] = "DENY"
    return response


def route(path: str, view: Callable[[], Any]) -> None:
    """Answer at a path that providers send browsers to, without a key."""
    callbacks.add_url_rule(path, path.split("/")[2], public(view), methods=["GET"])


for callback_path in CALLBACKS.values():
    route(callback_path, finish_consent)
