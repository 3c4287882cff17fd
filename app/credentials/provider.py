"""Sends requests to a provider by the outgoing client, within its address rules."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from app.credentials.masking import Mask
from app.credentials.oauth_errors import ProviderUnreachable
from app.outgoing.calls import Answer, Call
from app.outgoing.client import Outgoing
from app.outgoing.failures import network_failures

SECONDS = 10.0
"""How long a provider is waited for; whoever has asked for a renewal holds it for longer than that."""
MAX_ANSWER_BYTES = 2**20
MAX_SENTENCE_LENGTH = 500
SAYING = ("error_description", "message", "error", "detail")


async def ask(outgoing: Outgoing, call: Call) -> Answer:
    """The provider's answer. Raises ProviderUnreachable."""
    try:
        return await outgoing.at_most(MAX_ANSWER_BYTES).send(call)
    except network_failures(UnicodeEncodeError) as error:
        host = urlsplit(call.url).hostname
        raise ProviderUnreachable(
            f"The provider at {host} gave no answer: {str(error) or type(error).__name__}"
        ) from error


def message_of(told: Mapping[str, Any], mask: Mask) -> str:
    """What a provider says of its refusal, on one line and without secrets; empty where it says nothing."""
    for name in SAYING:
        said = told.get(name)
        if isinstance(said, str) and said.strip():
            return " ".join(mask.text(said).split())[:MAX_SENTENCE_LENGTH]
    return ""


SECRET_NAMES = ("secret", "token", "password", "key", "code", "verifier", "assertion")


def secrets_in(values: Any, name: str = "") -> Iterable[str]:
    """The texts under names that secrets have, however deep."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from secrets_in(value, str(key).lower())
    elif isinstance(values, list | tuple):
        for value in values:
            yield from secrets_in(value, name)
    elif isinstance(values, str) and not values.startswith("http") and any(part in name for part in SECRET_NAMES):
        yield values


def form(fields: Mapping[str, Any]) -> str:
    """`a=1&b=x%20y&b=z`: a list repeats its name, null is empty, and an object is written as JSON."""
    pairs = [(name, each) for name, value in fields.items() for each in (value if isinstance(value, list) else [value])]
    return urlencode([(name, _text(value)) for name, value in pairs], quote_via=quote)


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return orjson.dumps(value).decode()
