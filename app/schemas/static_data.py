"""What workflows keep from one execution to the next, as documents bring it: an object, or its JSON as a text."""

from collections.abc import Mapping
from typing import Any

import orjson
from marshmallow import ValidationError

from app.schemas.base import encode_json

MAX_SCOPES = 1_000


def read_static_data(given: Any) -> Any:
    """Static data as an object; n8n takes its JSON as a text, too. Raises ValidationError for a text that is none."""
    try:
        return orjson.loads(given) if isinstance(given, str) else given
    except orjson.JSONDecodeError:
        raise ValidationError("Must be an object, or the text of one in JSON.") from None


def check_scopes(given: Any) -> None:
    """Raise ValidationError for static data that is no object, or has more parts than a workflow: each is a row."""
    static_data = read_static_data(given)
    if not isinstance(given, str | dict):
        raise ValidationError("Must be an object, or the text of one in JSON.")
    if isinstance(static_data, dict) and len(static_data) > MAX_SCOPES:
        raise ValidationError(f"Must not have more than {MAX_SCOPES:,} entries.")


def static_parts(document: Mapping[str, Any]) -> dict[str, bytes] | None:
    """The static data that a document brings, by scope; None when it says nothing about it, which changes nothing.

    Raises ValidationError when it is too deep, or a text that is no JSON.
    """
    if "staticData" not in document:
        return None
    parts = read_static_data(document["staticData"])
    return {scope: encode_json(part) for scope, part in parts.items()} if isinstance(parts, dict) else {}
