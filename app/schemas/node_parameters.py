"""What forms ask of node types: bodies and answers."""

from typing import Any

from marshmallow import fields, validate

from app.schemas.base import BoundedObject, CamelSchema, StrictSchema, project_id_field
from app.schemas.credentials import TYPE_NAME

MAX_NAME = 200
MAX_PATH = 1_000
MAX_FILTER = 10_000
MAX_CREDENTIALS = 20


class NodeTypeSchema(StrictSchema):
    """A node type of a package, with its `typeVersion`."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=MAX_NAME))
    version = fields.Float(required=True, validate=validate.Range(0, 1_000))


class NamedCredentialSchema(StrictSchema):
    """A credential as nodes name it; its id counts, the name is for people."""

    id = fields.String(required=True, validate=validate.Length(min=1, max=64))
    name = fields.String(load_default="", validate=validate.Length(max=MAX_NAME))


class NodeParameterQuestion(StrictSchema):
    """A parameter of a node, as its form is filled in so far."""

    node_type_and_version = fields.Nested(NodeTypeSchema, required=True)
    path = fields.String(
        required=True,
        validate=validate.Length(min=1, max=MAX_PATH),
        metadata={"description": "The parameter, by the names on the way to it: `parameters.resource`."},
    )
    method_name = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=MAX_NAME),
        metadata={"description": "The function that the description names, as `loadOptionsMethod` does."},
    )
    current_node_parameters = fields.Dict(keys=fields.String(), load_default=dict)
    credentials = BoundedObject(
        keys=fields.String(validate=validate.Regexp(TYPE_NAME)),
        values=fields.Nested(NamedCredentialSchema),
        load_default=dict,
        validate=validate.Length(max=MAX_CREDENTIALS),
    )
    project_id = project_id_field("The project whose credentials are used; the key's own by default.")


class ListQuestion(NodeParameterQuestion):
    """A question for a list to choose from, page by page."""

    filter = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=MAX_FILTER))
    pagination_token = fields.Raw(
        load_default=None, allow_none=True, metadata={"description": "Where the page before has ended, as it said."}
    )


class ChoicesSchema(CamelSchema):
    """What the node offers, as its package gives it."""

    data: fields.Field[Any] = fields.Raw(required=True)
