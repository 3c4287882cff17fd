"""How query strings and JSON bodies are read."""

from collections.abc import Container, Iterable
from typing import Any, NoReturn

import orjson
from flask import Request
from marshmallow import INCLUDE, Schema, ValidationError, fields, validate
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from app.api.face.errors import Refused
from app.api.face.ignored_names import note_ignored
from app.api.face.json_values import MAX_VALUES, has_too_many_values

NO_LIST = "The request body must be a JSON array"
Pair = tuple[str, list[str]]
"""A parameter's name and its values."""


class Parser(FlaskParser):
    """Reads query strings and JSON bodies, and refuses all that a schema does not name.

    Empty values of a query string count as absent: clients with a form send every field of it.
    """

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {"query": None, "json": None}  # noqa: RUF012  (None: as the schema says)

    def load_querystring(self, req: Request, schema: Schema) -> dict[str, Any]:
        """The parameters; only those that are lists may be repeated."""
        known = by_key(schema)
        values: dict[str, Any] = {}
        for name, given in self.select(req.args.lists(), known):
            said = [text for text in given if text or takes_empty_text(known.get(name))]
            if not said:
                continue
            if isinstance(known.get(name), fields.List):
                values[name] = said
            elif len(said) > 1:
                raise ValidationError({name: ["Must be given once only."]})
            else:
                values[name] = said[0]
        return values

    def select(self, given: Iterable[Pair], known: Container[str]) -> Iterable[Pair]:
        """Those parameters that are looked at: all, so that one that nobody knows is refused."""
        return given

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body; an empty one is an empty object, so that all-optional bodies may be left out.

        Where a list is wanted it is none: who sends nothing does not mean to take all tags away.
        """
        body = req.get_data()
        # Werkzeug cuts a body that comes in chunks off at the limit instead of refusing it.
        if req.content_length is None and len(body) >= (req.max_content_length or len(body) + 1):
            raise RequestEntityTooLarge
        if not body.strip() and schema.many:
            raise Refused(400, NO_LIST)
        if not body or (not req.content_type and not schema.many and body.strip() == b"{}"):
            return {}
        if not req.is_json:
            raise Refused(415, "The request body must be JSON, with Content-Type: application/json")
        if has_too_many_values(body):
            raise Refused(400, f"The request body has more than {MAX_VALUES:,} values")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Refused(400, f"The request body is not valid JSON: {error}") from None
        if schema.many:
            if not isinstance(document, list):
                raise Refused(400, NO_LIST)
        elif not isinstance(document, dict):
            raise Refused(400, "The request body must be a JSON object")
        return document

    def handle_error(self, error: ValidationError, *args: Any, **kwargs: Any) -> NoReturn:
        """Let the error through without the name of the location, which webargs put around its messages."""
        (error.messages,) = error.messages_dict.values()
        raise error


class LenientParser(Parser):
    """Passes over what a schema does not name, and notes it; see app.api.face.ignored_names."""

    def select(self, given: Iterable[Pair], known: Container[str]) -> Iterable[Pair]:
        """Those parameters that the schema names."""
        pairs = list(given)
        note_ignored(name for name, _ in pairs if name not in known)
        return [(name, texts) for name, texts in pairs if name in known]

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body without what the schema does not name, at any depth."""
        return known_part(super().load_json(req, schema), schema)


def by_key(schema: Schema) -> dict[str, fields.Field[Any]]:
    """The fields of a schema by the names that they have outside."""
    return {field.data_key or name: field for name, field in schema.fields.items()}


def takes_empty_text(field: fields.Field[Any] | None) -> bool:
    """Whether the empty text is something that this parameter can mean."""
    return field is not None and any(isinstance(v, validate.Length) and v.min == 0 for v in field.validators)


def known_part(document: Any, schema: Schema, path: str = "") -> Any:
    """What a schema names of a document; the rest is noted. What has the wrong type stays as it is."""
    if isinstance(document, list):
        return [known_part(entry, schema, path) for entry in document]
    if not isinstance(document, dict) or schema.unknown == INCLUDE:
        return document
    known = by_key(schema)
    note_ignored(path + name for name in document if name not in known)
    return {
        name: known_part_of_field(value, known[name], f"{path}{name}.")
        for name, value in document.items()
        if name in known
    }


def known_part_of_field(value: Any, field: fields.Field[Any], path: str) -> Any:
    """The part of a nested value that its schema knows; any other value as it is."""
    inner = field.inner if isinstance(field, fields.List) else field
    return known_part(value, inner.schema, path) if isinstance(inner, fields.Nested) else value
