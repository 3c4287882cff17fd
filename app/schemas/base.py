"""What the schemas share: strictness, the text of times and ids, and JSON in and out."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

import orjson
from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from app.vocabulary import MAX_ID

EXECUTION_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
OBJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
# In a query string the + of an offset arrives as a space when the client did not escape it.
OFFSET_AFTER_SPACE = re.compile(r"(:\d\d(?:\.\d{1,9})?) (\d\d:?\d\d)\Z")
MAX_TIME_LENGTH = 64
MAX_FIELDS = 1_000
"""Of an object whose fields are all known by name."""
MAX_OBJECTS = 1_000
"""Of a body that is a list of objects."""
MAX_ERRORS = 20
"""So many entries of a list are said to be wrong; more say nothing new, and each takes a hundred times its size."""
WHOLE_NUMBER = re.compile(r"(-?[0-9]{1,100})(?:\.0{1,100})?", re.ASCII)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
LINES = str.maketrans("", "", "\n\r\t")


def describe(text: str, **more: Any) -> dict[str, Any]:
    """The metadata of a field: what the OpenAPI document says of it."""
    return {"description": text, **more}


class SingletonSchema(Schema):
    """A schema that is never altered: a copy of what names it names the same one.

    To declare an endpoint copies all that is known of it a dozen times, and a schema is hundreds of objects.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class CamelSchema(SingletonSchema):
    """A schema whose keys are spelled in camel case outside: `workflow_id` is `workflowId`."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Called by marshmallow for each field: gives it its key outside."""
        first, *rest = (field_obj.data_key or field_name).split("_")
        field_obj.data_key = first + "".join(part.capitalize() for part in rest)


class StrictSchema(CamelSchema):
    """A schema that refuses what it does not know."""

    class Meta:
        unknown = RAISE

    @pre_load(pass_collection=True)
    def check_number(self, data: Any, *, many: bool, **kwargs: Any) -> Any:
        """Refuse at once a list of more objects than any body may have."""
        if many and isinstance(data, list) and len(data) > MAX_OBJECTS:
            raise ValidationError(f"Must not have more than {MAX_OBJECTS:,} entries.")
        return data

    @pre_load
    def check_size(self, data: Any, **kwargs: Any) -> Any:
        """Refuse at once what has more fields than any schema: each of them would get a sentence of its own."""
        if self.unknown == RAISE and isinstance(data, dict) and len(data) > MAX_FIELDS:
            raise ValidationError("Has too many fields.")
        return data


def _check_length(field: fields.Field[Any], value: Any) -> None:
    for validator in field.validators:
        if isinstance(validator, validate.Length):
            validator(value)


class BoundedList(fields.List[Any]):
    """A list that says of its first entries only that they are wrong, and of one that is too long nothing else."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        _check_length(self, value)
        loaded, errors = [], {}
        for place, entry in enumerate(value):
            try:
                loaded.append(self.inner.deserialize(entry, **kwargs))
            except ValidationError as error:
                errors[place] = error.messages
                if len(errors) == MAX_ERRORS:
                    break
        if errors:
            raise ValidationError(errors)
        return loaded


class BoundedObject(fields.Dict):
    """An object of any names that says of too many nothing else; needs a Length."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, dict):
            _check_length(self, value)
        return super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]


def parse_execution_id(text: str) -> int | None:
    """The number of an execution id, None for a text that no execution can have as its id."""
    if not EXECUTION_ID.fullmatch(text):
        return None
    number = int(text)
    return number if number <= MAX_ID else None


def parse_uuid(text: str) -> UUID | None:
    """The id that this text is, in its usual form; None for another text."""
    try:
        uuid = UUID(text)
    except ValueError:
        return None
    return uuid if str(uuid) == text.lower() else None


class IsoTime(fields.DateTime):
    """An ISO 8601 time; without an offset it is UTC."""

    default_error_messages = {"invalid": "Not a valid ISO 8601 time."}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or len(value) > MAX_TIME_LENGTH:
            raise self.make_error("invalid")
        try:
            moment = datetime.fromisoformat(OFFSET_AFTER_SPACE.sub(r"\1+\2", value).upper())
            return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None


class RowId(fields.String):
    """The id of a row, an execution's unless `noun` says of what, as text; loaded as its number."""

    default_error_messages = {"invalid_id": "Not the id of {noun}."}  # noqa: RUF012

    def __init__(self, noun: str = "an execution", **options: Any) -> None:
        super().__init__(**options)
        self._noun = noun

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        number = parse_execution_id(super()._deserialize(value, attr, data, **kwargs))
        if number is None:
            raise self.make_error("invalid_id", noun=self._noun)
        return number


class WholeNumber(fields.Integer):
    """A whole number of a query string, as generated clients write it, too: `100.0`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, str) and (number := WHOLE_NUMBER.fullmatch(value)):
            value = number[1]
        return super()._deserialize(value, attr, data, **kwargs)


class StrictBoolean(fields.Boolean):
    """JSON's true and false and nothing that resembles them."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class QueryFlag(fields.Boolean):
    """Something to be switched on in a query string: how a list is shown, not which."""


def query_flag(description: str) -> QueryFlag:
    """A true or false of a query string, false when it is absent."""
    return QueryFlag(
        truthy={"true", "True"}, falsy={"false", "False"}, load_default=False, metadata={"description": description}
    )


def validate_printable(text: str) -> None:
    """Refuse what cannot be stored or shown as a name."""
    if CONTROL.search(text):
        raise ValidationError("Must not contain control characters.")


def validate_text(text: str) -> None:
    """Refuse what cannot be stored; lines and tabs can."""
    validate_printable(text.translate(LINES))


def validate_path_part(text: str) -> None:
    """Refuse what cannot be one part of a path."""
    validate_printable(text)
    if "/" in text:
        raise ValidationError("Must not contain slashes.")


def next_cursor_field() -> fields.String:
    """The cursor of the page that follows, in the answer of a list."""
    return fields.String(required=True, allow_none=True, metadata=describe("Null exactly when nothing follows."))


def name_field(longest: int, *, metadata: Mapping[str, Any] | None = None, **options: Any) -> fields.String:
    """A name that people read: not empty, without control characters."""
    return fields.String(
        validate=[validate.Length(1, longest), validate_printable],
        metadata={"pattern": r"^[^\x00-\x1f\x7f]*$", **(metadata or {})},
        **options,
    )


def project_id_field(description: str) -> fields.String:
    """The id of a project, which need not be there."""
    return fields.String(validate=[validate.Length(1, 64), validate_printable], metadata={"description": description})


def tag_id_field(**options: Any) -> fields.String:
    """A tag's id: whatever can stand in a path, so that the tag can be reached again."""
    return fields.String(
        validate=[validate.Length(1, 64), validate_path_part],
        metadata={"pattern": r"^[^/\x00-\x1f\x7f]*$"},
        **options,
    )


def encode_json(document: Any) -> bytes:
    """JSON of what came in as JSON. Raises ValidationError for one nested too deeply to be handed on."""
    try:
        # An answer may stand three levels inside another one, and the encoder has a limit.
        return orjson.dumps([[[[document]]]])[4:-4]
    except TypeError:
        raise ValidationError("The document is nested too deeply.") from None


def splice(known: Mapping[str, Any], document: bytes) -> bytes:
    """The JSON object `document` with the keys of `known` in front, without parsing it."""
    rest = document.strip()[1:].lstrip()
    head = orjson.dumps(known)[:-1]
    return head + rest if rest == b"}" else head + b"," + rest


def any_of(values: Sequence[str], description: str) -> BoundedList:
    """A query parameter that may be repeated, one of `values` each time."""
    return BoundedList(
        fields.String(validate=validate.OneOf(values)),
        validate=validate.Length(1, 50),
        metadata={"description": description},
    )
