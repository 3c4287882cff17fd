"""How query strings and JSON bodies are read."""

from typing import Any, NoReturn

import orjson
from flask import Request
from marshmallow import Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from app.api.face.errors import Refused


class Parser(FlaskParser):
    """Reads query strings and JSON bodies, and refuses all that a schema does not name."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {"query": None, "json": None}  # noqa: RUF012  (None: as the schema says)

    def load_querystring(self, req: Request, schema: Schema) -> dict[str, Any]:
        """The parameters; only those that are lists may be repeated."""
        lists = {bound.data_key for bound in schema.fields.values() if isinstance(bound, fields.List)}
        values: dict[str, Any] = {}
        for name, given in req.args.lists():
            if name in lists:
                values[name] = given
            elif len(given) > 1:
                raise ValidationError({name: ["Must be given once only."]})
            else:
                values[name] = given[0]
        return values

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body; an empty one is an empty object, so that all-optional bodies may be left out."""
        body = req.get_data()
        # Werkzeug cuts a body that comes in chunks off at the limit instead of refusing it.
        if req.content_length is None and len(body) >= (req.max_content_length or len(body) + 1):
            raise RequestEntityTooLarge
        if not body.strip():
            return {}
        if not req.is_json:
            raise Refused(415, "The request body must be JSON, with Content-Type: application/json")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Refused(400, f"The request body is not valid JSON: {error}") from None
        if schema.many:
            if not isinstance(document, list):
                raise Refused(400, "The request body must be a JSON array")
        elif not isinstance(document, dict):
            raise Refused(400, "The request body must be a JSON object")
        return document

    def handle_error(self, error: ValidationError, *args: Any, **kwargs: Any) -> NoReturn:
        """Let the error through without the name of the location, which webargs put around its messages."""
        (error.messages,) = error.messages_dict.values()
        raise error
