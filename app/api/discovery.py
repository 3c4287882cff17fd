"""What a key can do here, for clients that ask before they begin."""

from typing import TYPE_CHECKING, Any

from flask import Response
from marshmallow import fields, validate

from app.api.face.answers import answer
from app.api.face.auth import allows, caller
from app.api.face.blueprint import Blueprint
from app.api.face.openapi import served_document
from app.schemas.base import CamelSchema, StrictSchema
from app.scopes import ANY, SCOPES

if TYPE_CHECKING:
    from app.api.face.document import Operation

blueprint = Blueprint("discover", __name__, url_prefix="/api/v1/discover", description="What a key can do.")
SPEC_URL = "/api/v1/openapi.yml"


class DiscoverQuery(StrictSchema):
    """What of the discovery is asked for."""

    include = fields.String(
        validate=validate.OneOf(("schemas",)), metadata={"description": "Include the schemas of request bodies."}
    )
    resource = fields.String(validate=validate.Length(1, 64), metadata={"description": "Only this resource."})
    operation = fields.String(validate=validate.Length(1, 64), metadata={"description": "Only this operation."})


class DiscoverySchema(CamelSchema):
    """The scopes of a key, and the endpoints that they open by resource."""

    scopes = fields.List(fields.String(), required=True)
    resources = fields.Dict(required=True)
    filters = fields.Dict(required=True)
    spec_url = fields.String(required=True)


class DiscoverAnswerSchema(CamelSchema):
    """The discovery in n8n's envelope."""

    data = fields.Nested(DiscoverySchema, required=True)


@blueprint.endpoint("GET", "", scope=ANY, query=DiscoverQuery, answer=DiscoverAnswerSchema)
def get_discover(query: dict[str, Any]) -> Response:
    """Tell what this key can do: its scopes, and for each resource the operations and endpoints."""
    allowed = [each for each in served_document().operations if allows(caller(), each.scope)]
    resources: dict[str, Any] = {}
    for each in allowed:
        if query.get("resource", each.resource) == each.resource and query.get("operation", each.verb) == each.verb:
            entry = resources.setdefault(each.resource, {"operations": [], "endpoints": []})
            if each.verb not in entry["operations"]:
                entry["operations"].append(each.verb)
            entry["endpoints"].append(render(each, with_schema="include" in query))
    filters = {
        "resource": {"description": "Only this resource", "values": list({each.resource: None for each in allowed})},
        "operation": {"description": "Only this operation", "values": list({each.verb: None for each in allowed})},
        "include": {"description": "Include additional data", "values": ["schemas"]},
    }
    scopes = [scope for scope in SCOPES if allows(caller(), scope)]
    return answer({"data": {"scopes": scopes, "resources": resources, "filters": filters, "specUrl": SPEC_URL}})


def render(operation: "Operation", *, with_schema: bool) -> dict[str, Any]:
    """An endpoint as it is told."""
    rendered: dict[str, Any] = {
        "method": operation.method,
        "path": operation.path,
        "operationId": operation.operation_id,
    }
    if with_schema and operation.body is not None:
        rendered["requestSchema"] = operation.body
    return rendered
