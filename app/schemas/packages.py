"""Node packages: bodies and answers."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates

from app.schemas.base import CamelSchema, IsoTime, StrictBoolean, StrictSchema

NAME = r"^(?:@[a-z0-9~][a-z0-9._~-]{0,100}/)?[a-z0-9~][a-z0-9._~-]{0,100}$"
VERSION = r"^(?:[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(?:[-+][0-9A-Za-z.+-]{1,100})?|[A-Za-z]{1,50})$"
NOT_VETTED = (
    "There is no list of vetted packages here. Leave it out, or say false, and look at the package yourself before."
)


class PackageChange(StrictSchema):
    """The version of a package to have from now on."""

    version = fields.String(
        validate=[
            validate.Length(max=150),
            validate.ContainsNoneOf("\n", error="Must be one line."),
            validate.Regexp(VERSION, error="Must be an exact version, as 1.2.3, or a tag, as latest."),
        ],
        load_default="latest",
        metadata={"description": "The newest one when absent."},
    )
    verify = StrictBoolean(load_default=False, metadata={"description": "Always false: nobody vets packages here."})
    accept_license = StrictBoolean(
        load_default=False,
        metadata={"description": "Accepts n8n's Sustainable Use License, for packages that are under it."},
    )

    @validates("verify")
    def check_verify(self, value: bool, **_: Any) -> None:
        """Raises ValidationError for true: the caller would take the package for vetted."""
        if value:
            raise ValidationError(NOT_VETTED)


class NewPackage(PackageChange):
    """A package of npm to install."""

    name = fields.String(
        required=True,
        validate=[
            validate.Length(max=210),
            validate.ContainsNoneOf("\n", error="Must be one line."),
            validate.Regexp(NAME, error="Must be the name of an npm package, as n8n-nodes-example."),
        ],
        metadata={"description": "What npm calls the package."},
    )


class PackagedNodeSchema(CamelSchema):
    """A node of a package: `name` is for people, `type` is what workflows write."""

    name = fields.String(required=True)
    type = fields.String(required=True)
    latest_version = fields.Float(required=True)


class PackageSchema(CamelSchema):
    """A package of nodes from npm."""

    package_name = fields.String(required=True)
    installed_version = fields.String(required=True)
    author_name = fields.String(required=True)
    author_email = fields.String(required=True)
    license = fields.String(required=True)
    installed_nodes = fields.List(fields.Nested(PackagedNodeSchema), required=True)
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)
    failed_loading = fields.Boolean(
        required=True, metadata={"description": "Some worker cannot install it; its log and `flask doctor` say why."}
    )
