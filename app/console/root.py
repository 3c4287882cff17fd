"""The server's own address: a browser that is sent there finds the console, and nobody else finds anything."""

from flask import Blueprint, Response, abort, request, url_for

from app.api.face.auth import public
from app.console.pages import lead_to

blueprint = Blueprint("root", __name__)


@blueprint.get("/")
@public
def root() -> Response:
    """Lead a browser to the console. Raises NotFound."""
    if "text/html" not in request.headers.get("Accept", ""):
        abort(404, "Not found")
    return lead_to(url_for("console.home"))
