"""The URL of HTTP Request: what is taken for one, and what is said of another."""

import re
from typing import Any

from app.engine.nodes.http_request import encoding as http_encoding
from app.engine.run.errors import NodeError
from app.engine.values import conversions
from app.engine.values.conversions import Undefined

_URL = re.compile(r"https?://", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Whether a text begins as a URL does."""
    return _URL.match(text.strip()) is not None


def validate_url(given: Any, index: int) -> str:
    """The URL as it is called. Raises NodeError for the item."""
    if not isinstance(given, str):
        kind = (
            conversions.to_string(given)
            if given is None or isinstance(given, Undefined)
            else conversions.type_name(given)
        )
        raise NodeError(f"URL parameter must be a string, got {kind}", item_index=index)
    url = http_encoding.read_url(given)
    if not url:
        raise NodeError("URL parameter cannot be empty", item_index=index)
    if not is_url(given):
        raise NodeError(f'Invalid URL: {url}. URL must start with "http" or "https".', item_index=index)
    return url
