"""The tokens in a credential's data, as n8n keeps them: `oauthTokenData`, what a provider has answered, with the
moment when it expires in `n8n_expires_at` (milliseconds since 1970, as text)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson

FIELD = "oauthTokenData"
EXPIRES_AT = "n8n_expires_at"
REFUSED = "n8n_refused"
"""The field with what the provider said when it refused for good to renew the tokens."""
MAX_REFUSAL_LENGTH = 1_000
EARLY_SECONDS = 60.0
"""So much before its time a token is renewed, or a tenth of its life where that is less."""
MAX_LIFETIME = 100 * 366 * 86_400.0
# What tokens belong to, whatever the type; app.credentials.known_types adds what the type takes its addresses from.
IDENTITY = (
    "grantType",
    "authUrl",
    "accessTokenUrl",
    "clientId",
    "requestTokenUrl",
    "consumerKey",
    "serverUrl",
    "server",
    "subdomain",
    "shopSubdomain",
    "tenantId",
    "host",
    "email",
    "privateKey",
    "delegatedEmail",
    "inpersonate",
    "scopes",
)
# What a client's own token was asked for with: nobody has to consent to another one.
ASKED_WITH = ("scope", "authentication", "sendAdditionalBodyProperties", "additionalBodyProperties")
# Answers of services that put the token elsewhere.
PLACES = (("access_token",), ("authed_user", "access_token"))


def tokens_in(data: Mapping[str, Any]) -> dict[str, Any]:
    """The tokens that a credential holds; none: empty."""
    held = data.get(FIELD)
    if isinstance(held, str):  # as clients may have stored it
        try:
            held = orjson.loads(held)
        except ValueError:
            return {}
    return dict(held) if isinstance(held, Mapping) else {}


def access_token(tokens: Mapping[str, Any]) -> str:
    """The access token of OAuth 2, wherever the service puts it; empty for none."""
    return next(filter(None, (_token_at(tokens, place) for place in PLACES)), "")


def is_current(tokens: Mapping[str, Any], token: str) -> bool:
    """Whether this access token is one of those that are held; an empty one: whether there is none."""
    held = {held_token for place in PLACES if (held_token := _token_at(tokens, place))}
    return token in held if held else not token


def refresh_token(tokens: Mapping[str, Any]) -> str:
    """What a new access token is got with; empty for none."""
    token = tokens.get("refresh_token")
    return token if isinstance(token, str) else ""


def refusal(tokens: Mapping[str, Any]) -> str:
    """What the provider said when it refused for good to renew these tokens; empty: it has not."""
    said = tokens.get(REFUSED)
    return said if isinstance(said, str) else ""


def is_due(tokens: Mapping[str, Any], now: datetime) -> bool:
    """Whether the access token is about to expire; of one that does not say when, nobody knows."""
    expiry = _number(tokens.get(EXPIRES_AT))
    if expiry is None:
        return False
    life = _number(tokens.get("expires_in"))
    early = EARLY_SECONDS if life is None else min(EARLY_SECONDS, life / 10)
    return expiry / 1000 - early <= now.timestamp()


def is_expired(tokens: Mapping[str, Any], now: datetime) -> bool:
    """Whether the access token has expired."""
    expiry = _number(tokens.get(EXPIRES_AT))
    return expiry is not None and expiry / 1000 <= now.timestamp()


def merge(held: Mapping[str, Any], answered: Mapping[str, Any], asked_at: datetime) -> dict[str, Any]:
    """The tokens after an answer to what was asked for then: what it does not name stays, but for the expiry.

    An empty refresh token is none: the one that is held goes on being good.
    """
    dropped = (EXPIRES_AT, "expires_in", REFUSED)
    merged = {name: value for name, value in {**held, **answered}.items() if name not in dropped}
    if not refresh_token(answered) and refresh_token(held):
        merged["refresh_token"] = held["refresh_token"]
    life = _number(answered.get("expires_in"))
    if life is not None and life <= MAX_LIFETIME:
        merged["expires_in"] = answered["expires_in"]
        merged[EXPIRES_AT] = str(int((asked_at.timestamp() + life) * 1000))
    return merged


def belong_together(one: Mapping[str, Any], other: Mapping[str, Any], identity: Iterable[str] | None) -> bool:
    """Whether tokens that were got for one state of a credential are what another one would be given.

    `identity`: the fields that tokens of its type belong to; None: all but the tokens themselves.
    """
    if identity is None:
        identity = (one.keys() | other.keys()) - {FIELD}
    names = (*identity, *(ASKED_WITH if other.get("grantType") == "clientCredentials" else ()))
    return all((one.get(name) or "") == (other.get(name) or "") for name in names)


def carried_over(
    held: Mapping[str, Any], data: dict[str, Any], identity: Iterable[str] | None, *, named: bool
) -> dict[str, Any]:
    """The data that replaces what a credential held, with its tokens where they still belong to it.

    `identity` as `belong_together` takes it; `named`: whoever replaces it says which tokens it has.
    """
    if named or FIELD not in held:
        return data
    if belong_together(held, data, identity):
        return {**data, FIELD: held[FIELD]}
    return {name: value for name, value in data.items() if name != FIELD}


def _token_at(tokens: Mapping[str, Any], place: tuple[str, ...]) -> str:
    value: Any = tokens
    for name in place:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 < number < 1e18 else None
