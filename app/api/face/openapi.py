"""Where the OpenAPI document and the page that shows it are; the page needs nothing from outside this server."""

from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, current_app, request, send_from_directory
from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]

from app.api.face.answers import raw_answer
from app.api.face.auth import public
from app.api.face.blueprint import Blueprint as ApiBlueprint

if TYPE_CHECKING:
    from app.api.face.document import Document

blueprint = Blueprint("openapi", __name__, url_prefix="/api/v1")

DOCUMENT = "openapi-document"
FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
OWN_FILES = Path(__file__).with_name("docs")
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class LazyDocument:
    """The document of some blueprints, made when it is first asked for: that takes as long as all else at start."""

    def __init__(self, blueprints: Iterable[ApiBlueprint]) -> None:
        self._blueprints = list(blueprints)
        self._lock = Lock()
        self._document: Document | None = None

    def document(self) -> "Document":
        """The document; whoever asks while it is made waits for it."""
        with self._lock:
            if self._document is None:
                from app.api.face.document import describe  # loads flask-smorest and what it needs

                self._document = describe(self._blueprints)
            return self._document


def register(app: Flask, blueprints: Iterable[ApiBlueprint]) -> None:
    """Let `app` serve the document of these blueprints."""
    app.extensions[DOCUMENT] = LazyDocument(blueprints)
    app.register_blueprint(blueprint)


def served_document() -> "Document":
    """The document of the application that answers."""
    lazy: LazyDocument = current_app.extensions[DOCUMENT]
    return lazy.document()


@blueprint.get("/openapi.json")
@public
def document() -> Response:
    """The OpenAPI 3.1 document."""
    return raw_answer(served_document().json)


@blueprint.get("/openapi.yml")
@public
def yaml_document() -> Response:
    """The same in YAML, of which JSON is a part."""
    return Response(served_document().json, content_type="application/yaml")


@blueprint.get("/docs/openapi-3.0.json")
@public
def older_document() -> Response:
    """The document for the page."""
    return raw_answer(served_document().json_3_0)


@blueprint.get("/docs")
@public
def page() -> Response:
    """The page."""
    # With a slash at the end its files are beside the page, without one they are in a folder below it.
    text = (OWN_FILES / "index.html").read_text("utf-8")
    if request.path.endswith("/"):
        text = text.replace('"docs/', '"').replace('"openapi.json"', '"../openapi.json"')
    response = Response(text, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


@blueprint.get("/docs/<name>")
@public
def file(name: str) -> Response:
    """A file of the page."""
    folder = swagger_ui_path if name in FILES else OWN_FILES
    response = send_from_directory(folder, name)
    response.headers["Cache-Control"] = "max-age=3600"
    return response
