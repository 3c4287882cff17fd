"""Credentials: bodies, answers, and which fields each type of credential has."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from app.schemas.base import CamelSchema, IsoTime, StrictSchema, name_field

_DOMAINS: dict[str, Any] = {
    "allowedHttpRequestDomains": {"type": "string", "enum": ["all", "domains", "none"]},
    "allowedDomains": {"type": "string"},
}
_TEXT, _NUMBER, _BOOLEAN = {"type": "string"}, {"type": "number"}, {"type": "boolean"}

_ALGORITHMS = [f"{family}{size}" for family in ("HS", "RS", "ES", "PS") for size in (256, 384, 512)]

FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "crypto": {
        "hmacSecret": _TEXT,
        "signPrivateKey": _TEXT,
        "encryptionPassphrase": _TEXT,
        "encryptionPublicKey": _TEXT,
        "encryptionPrivateKey": _TEXT,
    },
    "httpBasicAuth": {"user": _TEXT, "password": _TEXT, **_DOMAINS},
    "httpBearerAuth": {"token": _TEXT, **_DOMAINS},
    "httpCustomAuth": {"json": _TEXT, **_DOMAINS},
    "httpDigestAuth": {"user": _TEXT, "password": _TEXT, **_DOMAINS},
    "httpHeaderAuth": {"name": _TEXT, "value": _TEXT, **_DOMAINS},
    "httpQueryAuth": {"name": _TEXT, "value": _TEXT, **_DOMAINS},
    "httpSslAuth": {"ca": _TEXT, "cert": _TEXT, "key": _TEXT, "passphrase": _TEXT},
    "jwtAuth": {
        "keyType": {"type": "string", "enum": ["passphrase", "pemKey"]},
        "secret": _TEXT,
        "privateKey": _TEXT,
        "publicKey": _TEXT,
        "algorithm": {"type": "string", "enum": _ALGORITHMS},
    },
    "postgres": {
        "host": _TEXT,
        "database": _TEXT,
        "user": _TEXT,
        "password": _TEXT,
        "maxConnections": _NUMBER,
        "allowUnauthorizedCerts": _BOOLEAN,
        "ssl": {"type": "string", "enum": ["allow", "disable", "require"]},
        "port": _NUMBER,
    },
    "smtp": {
        "user": _TEXT,
        "password": _TEXT,
        "host": _TEXT,
        "port": _NUMBER,
        "secure": _BOOLEAN,
        "disableStartTls": _BOOLEAN,
        "hostName": _TEXT,
    },
}
"""The types that nodes here can use, each with its fields as JSON Schema."""

_PYTHON: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float), "boolean": (bool,)}


def json_schema(kind: str) -> dict[str, Any] | None:
    """What the data of a credential of this type has to look like; None for a type that is not known."""
    if kind not in FIELDS:
        return None
    return {"additionalProperties": False, "type": "object", "properties": FIELDS[kind], "required": []}


def check_data(kind: str, data: dict[str, Any]) -> None:
    """Raises ValidationError, which never repeats a value, for data that does not fit the type."""
    known = FIELDS[kind]
    wrong: dict[str, list[str]] = {}
    for name, value in data.items():
        if name not in known:
            wrong[name] = [f"Unknown field. Fields of {kind}: {', '.join(known)}."]
        elif not isinstance(value, _PYTHON[known[name]["type"]]) or (
            isinstance(value, bool) and known[name]["type"] != "boolean"
        ):
            wrong[name] = [f"Must be a {known[name]['type']}."]
        elif "enum" in known[name] and value not in known[name]["enum"]:
            wrong[name] = [f"Must be one of: {', '.join(known[name]['enum'])}."]
    if wrong:
        raise ValidationError({"data": wrong})


class CredentialBody(StrictSchema):
    name = name_field(128, required=True)
    type = fields.String(required=True)
    data = fields.Dict(keys=fields.String(), required=True)
    project_id = fields.String(metadata={"description": "The project to put it into; the key's own by default."})

    @validates_schema
    def check(self, body: dict[str, Any], **kwargs: Any) -> None:
        if body["type"] not in FIELDS:
            raise ValidationError(f"Not a known type. Known: {', '.join(FIELDS)}.", "type")
        check_data(body["type"], body["data"])


class CredentialChange(StrictSchema):
    name = name_field(128)
    data = fields.Dict(keys=fields.String(), metadata={"description": "Replaces all that it held."})

    @post_load
    def complete(self, body: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if not body:
            raise ValidationError("Name what is to change: name or data.")
        return {"name": None, "data": None, **body}


class CredentialSchema(CamelSchema):
    """A credential; what it holds is never given out."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    type = fields.String(required=True)
    project_id = fields.String(required=True)
    is_managed = fields.Boolean(required=True, metadata={"description": "Always false."})
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)


class CredentialPageSchema(CamelSchema):
    data = fields.List(fields.Nested(CredentialSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class CredentialTypeSchema(CamelSchema):
    """The JSON Schema of a type's data."""

    additional_properties = fields.Boolean(required=True)
    type = fields.String(required=True)
    properties = fields.Dict(required=True)
    required = fields.List(fields.String(), required=True)
