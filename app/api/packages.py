"""Packages of nodes from npm."""

from flask import Response
from marshmallow import fields

from app.api.face.answers import answer
from app.api.face.blueprint import Blueprint
from app.schemas.base import CamelSchema

blueprint = Blueprint("packages", __name__, url_prefix="/api/v1/community-packages", description="Nodes from npm.")


class PackageSchema(CamelSchema):
    package_name = fields.String(required=True)


@blueprint.endpoint("GET", "", scope="communityPackage:list", answer=PackageSchema(many=True))
def get_community_packages() -> Response:
    """List the installed packages; there are none."""
    return answer([])
