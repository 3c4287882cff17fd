"""What a run was about, in a few words for lists: the first fields of the first item that it began with."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from app.engine.run.document import Json, RunDocument

MAX_FIELDS = 6
MAX_KEY_LENGTH = 40
MAX_TEXT_LENGTH = 60
LOOKED_AT = 64 * 1024
"""Characters of a text in which secrets are masked before it is cut."""
MAX_LOOKS = 50
"""Fields of an item, or of an object in it, that are looked at."""
SECRET = ("password", "passwd", "secret", "token", "authorization", "apikey", "api_key", "api-key", "cookie")
"""Parts of names under which people keep what lists must not show."""
MAX_NAMES = 4096
"""Names that are remembered: the same ones come again and again."""
OF_A_CALL = {"headers", "params", "query", "body", "webhookUrl", "executionMode", "jwtPayload"}


def preview(document: RunDocument, mask: Callable[[str], str] = str) -> Json | None:
    """Up to MAX_FIELDS of them, by their paths; None where there is nothing to show. `mask` hides secrets in texts."""
    item = first_item(document.run_data)
    fields: Json = {}
    for path, value in leaves(what_was_sent(item)):
        key = shorten(path, MAX_KEY_LENGTH, mask)
        fields[key] = shorten(value, MAX_TEXT_LENGTH, mask) if isinstance(value, str) else value
        if len(fields) == MAX_FIELDS:
            break
    return fields or None


def first_item(run_data: dict[str, list[Json]]) -> Json:
    """The data of the first item that the first node gave."""
    for runs in run_data.values():
        if runs and runs[0].get("executionIndex") == 0:
            outputs = (runs[0].get("data") or {}).get("main") or []
            items: list[Json] = next((output for output in outputs if output), [])
            json = items[0].get("json") if items and isinstance(items[0], dict) else None
            return json if isinstance(json, dict) else {}
    return {}


def what_was_sent(item: Json) -> Json:
    """Of a call to a webhook its body, or its query string; else the item."""
    if "headers" in item and item.keys() <= OF_A_CALL:
        for part in ("body", "query"):
            if isinstance(item.get(part), dict) and item[part]:
                sent: Json = item[part]
                return sent
        return {}
    return item


def leaves(item: Json, path: str = "") -> Iterator[tuple[str, Any]]:
    """Texts, numbers, true and false, in the item and in its objects, with their paths; no secrets."""
    for _, (key, value) in zip(range(MAX_LOOKS), item.items(), strict=False):
        if not isinstance(key, str) or (_names_secret(key) if len(key) <= MAX_KEY_LENGTH else _looks_secret(key)):
            continue
        if isinstance(value, dict) and not path:
            yield from leaves(value, f"{key[:LOOKED_AT]}.")
        elif isinstance(value, (str, bool, float)) or (isinstance(value, int) and abs(value) < 2**53):
            yield path + key, value


def _looks_secret(key: str) -> bool:
    name = key[:LOOKED_AT].lower()
    return any(part in name for part in SECRET)


_names_secret = lru_cache(maxsize=MAX_NAMES)(_looks_secret)


def shorten(text: str, longest: int, mask: Callable[[str], str]) -> str:
    """The text, masked and cut."""
    masked = mask(text[:LOOKED_AT])
    return masked if len(masked) <= longest else masked[: longest - 1] + "…"
