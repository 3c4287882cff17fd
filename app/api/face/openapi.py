"""The OpenAPI document and the page that shows it; the page needs nothing from outside this server."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask_smorest  # type: ignore[import-untyped]
import orjson
from flask import Blueprint, Flask, Response, current_app, request, send_from_directory
from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]

from app.api.face.answers import raw_answer
from app.api.face.auth import public
from app.api.face.blueprint import REFUSES_UNKNOWN
from app.schemas.errors import ErrorSchema

blueprint = Blueprint("openapi", __name__, url_prefix="/api/v1")

DOCUMENT = "openapi-document"
OPERATIONS = "openapi-operations"
FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
OWN_FILES = Path(__file__).with_name("docs")
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CONFIG = {
    "API_TITLE": "Executions API",
    "API_VERSION": "1.0.0",
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "Monitor workflow executions, view their results, retry failed ones and stop running ones. "
            "Answers over 1 KB are gzip- or zstd-encoded for callers that say so in Accept-Encoding.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
    },
}


KEY = "Made by `flask keys create`. `Authorization: Bearer KEY` is the same."


@dataclass(frozen=True, slots=True)
class Operation:
    """An endpoint that needs a key; `body` is the schema of what it takes, None: nothing."""

    method: str
    path: str
    operation_id: str
    scope: str
    body: Any

    @property
    def resource(self) -> str:
        """What its scope is about; an endpoint for every key is a resource of its own."""
        return self.scope.partition(":")[0] if ":" in self.scope else self.path.rpartition("/")[2]

    @property
    def verb(self) -> str:
        return self.scope.partition(":")[2] or "read"


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest with our own shape of errors, registered elsewhere, and a document that we serve ourselves."""

    ERROR_SCHEMA = ErrorSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Leave the errors to app.api.face.errors."""


def finish(api: Api, app: Flask) -> None:
    """Complete the document when all blueprints are registered, and keep it as the text that is served."""
    api.spec.components.security_scheme(
        "apiKey",
        {"type": "apiKey", "in": "header", "name": "X-N8N-API-KEY", "description": KEY},
    )
    document = api.spec.to_dict()
    document["tags"] = [tag for tag in document["tags"] if "-" not in tag["name"]]
    del document["components"]["schemas"]["PaginationMetadata"]
    open_lenient_bodies(document)
    app.extensions[OPERATIONS] = operations_of(document)
    app.extensions[DOCUMENT] = {
        "openapi.json": orjson.dumps(document, option=orjson.OPT_INDENT_2),
        "docs/openapi-3.0.json": orjson.dumps(as_3_0(document)),
    }


def operations_of(document: dict[str, Any]) -> list[Operation]:
    """The endpoints that need a key, in the order of the document, which names them all."""
    return [
        Operation(method.upper(), path, described["operationId"], described["x-required-scope"], body_of(described))
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if isinstance(described, dict) and "x-required-scope" in described
    ]


def open_lenient_bodies(document: dict[str, Any]) -> None:
    """Say of bodies whose unknown fields are passed over that they may have some."""
    for methods in document["paths"].values():
        for described in methods.values():
            takes_body = isinstance(described, dict) and "requestBody" in described
            if takes_body and not described.get(REFUSES_UNKNOWN):
                open_schema(document, body_of(described))


def open_schema(document: dict[str, Any], schema: Any) -> None:
    """Let a schema, and all that are within it, have other properties."""
    if isinstance(schema, list):
        for each in schema:
            open_schema(document, each)
    if not isinstance(schema, dict):
        return
    if schema.get("additionalProperties") is False:
        del schema["additionalProperties"]
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name:
        open_schema(document, document["components"]["schemas"][name])
    for key in ("properties", "items", "anyOf", "allOf", "oneOf"):
        inner = schema.get(key)
        open_schema(document, list(inner.values()) if key == "properties" and isinstance(inner, dict) else inner)


def body_of(described: dict[str, Any]) -> Any:
    """The schema of an operation's body, None where it takes none."""
    content = described.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("schema")


def as_3_0(document: Any) -> Any:
    """The same document in OpenAPI 3.0, which is what the bundled Swagger UI reads."""
    if isinstance(document, list):
        return [as_3_0(entry) for entry in document]
    if not isinstance(document, dict):
        return document
    converted = {key: as_3_0(value) for key, value in document.items() if key != "identifier"}
    kind = converted.get("type")
    if isinstance(kind, list):
        converted["type"] = next(name for name in kind if name != "null")
        converted["nullable"] = True
    choices = converted.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        del converted["anyOf"]
        converted.update(allOf=[choice for choice in choices if choice != {"type": "null"}], nullable=True)
    if "openapi" in converted:
        converted["openapi"] = "3.0.3"
    return converted


@blueprint.get("/openapi.json")
@public
def document() -> Response:
    """The OpenAPI 3.1 document."""
    return raw_answer(current_app.extensions[DOCUMENT]["openapi.json"])


@blueprint.get("/openapi.yml")
@public
def yaml_document() -> Response:
    """The same in YAML, of which JSON is a part."""
    return Response(current_app.extensions[DOCUMENT]["openapi.json"], content_type="application/yaml")


@blueprint.get("/docs/openapi-3.0.json")
@public
def older_document() -> Response:
    """The document for the page."""
    return raw_answer(current_app.extensions[DOCUMENT]["docs/openapi-3.0.json"])


@blueprint.get("/docs")
@public
def page() -> Response:
    """The page."""
    # With a slash at the end its files are beside the page, without one they are in a folder below it.
    text = (OWN_FILES / "index.html").read_text()
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
