"""The OpenAPI document: made of what blueprints declare, by flask-smorest.

Loaded when somebody asks for the document (app.api.face.openapi): few processes that answer HTTP ever need it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import flask_smorest  # type: ignore[import-untyped]
import orjson
from flask import Flask

from app.api.face.blueprint import Blueprint, Endpoint
from app.schemas.errors import ErrorSchema

CONFIG = {
    "API_TITLE": "Executions API",
    "API_VERSION": "1.0.0",
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "Monitor workflow executions, view their results, retry failed ones and stop running ones."
            "\n\nA key comes from `make run`, which prints one, or from `flask keys create LABEL`; **Authorize** takes "
            "it, programs send it as `X-N8N-API-KEY`. Addresses that workflows answer themselves, such as "
            "`/webhook/PATH`, stand beside this API and take no key.\n\n"
            "Answers over 1 KB are gzip- or zstd-encoded for callers that say so in Accept-Encoding.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "../../"}],  # seen from where the document is, so also behind a prefix of a proxy
    },
}
KEY = "Made by `flask keys create`. `Authorization: Bearer KEY` is the same."
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
EXAMPLES = {
    "executionId": "1042",
    "message": "The service refused the connection - perhaps it is offline",
    "node": "HTTP Request",
    "retryId": "1043",
    "retryOf": "1041",
    "retrySuccessId": "1043",
    "workflowId": "MXoWndJluwYcxmlO",
    "workflowVersionId": "2927badf-cb1f-4e6a-99ef-e6ad1e804164",
}
"""Of texts in objects that have none of their own, by name: readers see what is meant."""
REFUSES_UNKNOWN = "x-refuses-unknown"
"""Says in the document whether an endpoint refuses what it does not know, or passes it over."""
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "The same key and body within 24 hours get the first answer again, and nothing is done twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


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
        """What the scope allows, as `list` of `execution:list`; `read` where it names nothing."""
        return self.scope.partition(":")[2] or "read"


@dataclass(frozen=True, slots=True)
class Document:
    """The document as it is served: in OpenAPI 3.1, and in 3.0, which is what the bundled Swagger UI reads."""

    json: bytes
    json_3_0: bytes
    operations: list[Operation]
    """The endpoints that need a key."""


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest with our own shape of errors, registered elsewhere, and a document that we serve ourselves."""

    ERROR_SCHEMA = ErrorSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Leave the errors to app.api.face.errors."""


class DescribedBlueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """The endpoints of a resource as flask-smorest knows them; nobody ever calls these."""

    ARGUMENTS_PARSER = Blueprint.PARSER


def describe(blueprints: Iterable[Blueprint]) -> Document:
    """The document of these blueprints' endpoints."""
    app = Flask("document", static_folder=None)
    app.config.update(CONFIG, PROVIDE_AUTOMATIC_OPTIONS=False)
    api = Api(app)
    for blueprint in blueprints:
        api.register_blueprint(described_blueprint(blueprint))
    api.spec.components.security_scheme(
        "apiKey",
        {"type": "apiKey", "in": "header", "name": "X-N8N-API-KEY", "description": KEY},
    )
    document = api.spec.to_dict()
    document["tags"] = [tag for tag in document["tags"] if "-" not in tag["name"]]
    del document["components"]["schemas"]["PaginationMetadata"]
    open_lenient_bodies(document)
    give_examples(document)
    return Document(
        json=orjson.dumps(document, option=orjson.OPT_INDENT_2),
        json_3_0=orjson.dumps(as_3_0(document | {"servers": [{"url": "../../../"}]})),
        operations=operations_of(document),
    )


def described_blueprint(blueprint: Blueprint) -> DescribedBlueprint:
    """The same endpoints, each with what the document says of it."""
    made = DescribedBlueprint(
        blueprint.name, __name__, url_prefix=blueprint.url_prefix, description=blueprint.description
    )
    for endpoint in blueprint.endpoints:
        parameters = [
            path_part(name) for name in PATH_PARTS if f"<{name}>" in endpoint.rule or f":{name}>" in endpoint.rule
        ]
        tags = [blueprint.name.split("-")[0]]
        made.route(endpoint.rule, methods=[endpoint.method], parameters=parameters, tags=tags)(
            described_view(made, endpoint)
        )
    return made


def described_view(blueprint: DescribedBlueprint, endpoint: Endpoint) -> Any:
    """The view with all that the document says of it."""
    view: Any = blueprint.response(endpoint.status, endpoint.answer, content_type=endpoint.content_type)(endpoint.view)
    answers = view._apidoc["response"]["responses"]
    for code in sorted(endpoint.errors):
        answers.setdefault(code, []).append(error_answer(code))
    if endpoint.query is not None:
        view = blueprint.arguments(endpoint.query, location="query")(view)
    if endpoint.body is not None:
        view = blueprint.arguments(
            endpoint.body, location="json", required=endpoint.body_required, example=endpoint.example
        )(view)
    if endpoint.idempotent:  # here: parameters of a route are those of all its methods
        view._apidoc.setdefault("arguments", {}).setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    return blueprint.doc(
        operationId=operation_id(endpoint.view.__name__),
        security=[{"apiKey": []}],
        **{"x-required-scope": endpoint.scope, REFUSES_UNKNOWN: endpoint.refuses_unknown},
    )(view)


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


def operation_id(name: str) -> str:
    """The view's name in camel case."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def operations_of(document: dict[str, Any]) -> list[Operation]:
    """The endpoints that need a key, in the order of the document, which names them all."""
    return [
        Operation(method.upper(), path, described["operationId"], described["x-required-scope"], body_of(described))
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if isinstance(described, dict) and "x-required-scope" in described
    ]


def give_examples(document: dict[str, Any]) -> None:
    """Give properties of objects the examples of EXAMPLES."""
    for schema in document["components"]["schemas"].values():
        for name, described in schema.get("properties", {}).items():
            is_text = "string" in described.get("type", ())
            if name in EXAMPLES and is_text and not {"example", "enum", "format"} & described.keys():
                described["example"] = EXAMPLES[name]


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
