"""OAuth 2: what is asked of a provider and what its answers mean, from the data of n8n's type oAuth2Api and of those
that extend it. Sends nothing.

n8n sends a client's id and secret in the Basic header as they are, where RFC 6749 encodes them first; so do we.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from app.credentials import tokens
from app.credentials.masking import Mask
from app.credentials.oauth_errors import ConsentNeeded, NotUsable, ProviderRefused
from app.credentials.provider import SECONDS, ask, form, message_of, secrets_in
from app.outgoing.calls import Answer, Call
from app.outgoing.client import Outgoing

GRANTS = ("authorizationCode", "pkce", "clientCredentials")
ACCEPT = "application/json, application/x-www-form-urlencoded"
MAX_TOKENS_BYTES = 64 * 1024
"""Bytes of a provider's answer: all of it is kept."""
MAX_CODE_LENGTH = 100
MAX_REDIRECTS = 5
"""Within the provider's origin: to another one no secret is taken."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """What a credential says of a provider and of its client there."""

    grant: str
    auth_url: str
    token_url: str
    id: str
    secret: str
    scope: str
    in_body: bool
    """Whether id and secret are sent in the body instead of the Basic header."""
    auth_query: dict[str, str]
    more_body: dict[str, Any]
    verify: bool

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "OAuthClient":
        """Raises NotUsable for what cannot be done with it."""
        grant = str(data.get("grantType") or GRANTS[0])
        if grant not in GRANTS:
            raise NotUsable(f"The grant type '{grant[:50]}' is not supported; it can be {', '.join(GRANTS)}")
        if data.get("jweEnabled"):
            raise NotUsable("Encrypted access tokens (jweEnabled) are not supported")
        if data.get("clientCredentialType") not in (None, "", "clientSecret"):
            raise NotUsable("A client that proves itself by a certificate is not supported: give it a secret")
        if data.get("useDynamicClientRegistration") and not (data.get("clientId") and data.get("accessTokenUrl")):
            raise NotUsable(
                "Dynamic client registration is not supported: register a client with the provider, and give the "
                "credential authUrl, accessTokenUrl, clientId and clientSecret"
            )
        client = cls(
            grant,
            _text(data, "authUrl"),
            _text(data, "accessTokenUrl"),
            _text(data, "clientId"),
            _text(data, "clientSecret"),
            _text(data, "scope"),
            data.get("authentication") == "body",
            dict(parse_qsl(_text(data, "authQueryParameters"), keep_blank_values=True)),
            _more_body(data) if grant == "clientCredentials" else {},
            not data.get("ignoreSSLIssues"),
        )
        if not client.id:
            raise NotUsable("The credential has no clientId")
        return client

    @property
    def needs_consent(self) -> bool:
        """Whether somebody has to consent in a browser; a client that acts for itself needs nobody."""
        return self.grant != "clientCredentials"


def consent_url(client: OAuthClient, redirect_uri: str, state: str, verifier: str) -> str:
    """Where somebody says that the client may act for them. Raises NotUsable."""
    if not client.needs_consent:
        raise NotUsable("Credentials of the grant type clientCredentials need no consent")
    check_url(client.auth_url, "authUrl")
    from authlib.common.urls import add_params_to_uri  # here: few processes ever ask anybody
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    more = dict(client.auth_query)
    if client.grant == "pkce":
        more |= {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
    kind, scope = more.pop("response_type", "code"), more.pop("scope", "")
    for name in ("client_id", "redirect_uri", "state"):
        more.pop(name, None)
    url = prepare_grant_uri(client.auth_url, client.id, kind, redirect_uri, client.scope or scope, state)
    # Added by themselves: their names are anybody's, also those of the parameters above.
    with_more: str = add_params_to_uri(url, list(more.items()))
    return with_more


def code_call(client: OAuthClient, code: str, redirect_uri: str, verifier: str) -> Call:
    """Asks for tokens in exchange for the code that a consent has given. Raises NotUsable."""
    fields = {"code": code, "grant_type": "authorization_code", "redirect_uri": redirect_uri}
    if client.grant == "pkce":
        fields["code_verifier"] = verifier
    return _token_call(client, fields)


def renewal_call(client: OAuthClient, held: Mapping[str, Any]) -> Call:
    """Asks for new tokens: by what the client is, or by the refresh token. Raises NotUsable, ConsentNeeded."""
    if client.grant == "clientCredentials":
        scope = {"scope": client.scope} if client.scope else {}
        return _token_call(client, {"grant_type": "client_credentials", **client.more_body, **scope})
    refresh_token = tokens.refresh_token(held)
    if not tokens.access_token(held) and not refresh_token:
        raise ConsentNeeded("is not connected yet")
    if not refresh_token:
        raise ConsentNeeded(
            "needs to be connected again: its access token is no longer valid, and there is no refresh token"
        )
    return _token_call(client, {"refresh_token": refresh_token, "grant_type": "refresh_token"})


async def fetch(outgoing: Outgoing, call: Call, data: Mapping[str, Any]) -> dict[str, Any]:
    """The tokens that a provider gives.

    Raises ProviderUnreachable, ProviderRefused; nothing secret of `data` is in those.
    """
    return tokens_of(await ask(outgoing, call), secrets_in(data))


def tokens_of(answer: Answer, secrets: Iterable[str]) -> dict[str, Any]:
    """What a provider has answered with. Raises ProviderRefused, in the provider's words without the secrets."""
    told, mask = _parse_answer(answer), Mask(secrets)
    error = told.get("error")
    if answer.status >= 400 or error or not tokens.access_token(told):
        code = mask.text(error)[:MAX_CODE_LENGTH] if isinstance(error, str) else ""
        said = message_of(told, mask) or ("" if answer.status >= 400 else "there is no access token in its answer")
        raise ProviderRefused(answer.status, code, said)
    if len(answer.content) > MAX_TOKENS_BYTES:
        raise ProviderRefused(answer.status, "", f"its answer has more than {MAX_TOKENS_BYTES:,} bytes")
    return told


def check_url(url: str, field: str) -> None:
    """Raises NotUsable for what is no address of a web server."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fine = False
    if not fine:
        raise NotUsable(f"The credential's {field} must be an address that begins with https:// or http://")


def _token_call(client: OAuthClient, fields: dict[str, Any]) -> Call:
    check_url(client.token_url, "accessTokenUrl")
    headers = [("Accept", ACCEPT), ("Content-Type", "application/x-www-form-urlencoded")]
    by_header = not client.in_body and (client.secret or client.grant == "clientCredentials")
    if by_header:
        login = base64.b64encode(f"{client.id}:{client.secret}".encode()).decode()
        headers.append(("Authorization", f"Basic {login}"))
    else:
        fields = {**fields, "client_id": client.id} | ({"client_secret": client.secret} if client.secret else {})
    return Call(
        "POST",
        client.token_url.partition("#")[0],
        headers,
        form(fields).encode(),
        secret_body=True,
        timeout=SECONDS,
        max_redirects=MAX_REDIRECTS,
        verify=client.verify,
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value.strip() if isinstance(value, str) else ""


def _more_body(data: Mapping[str, Any]) -> dict[str, Any]:
    if not data.get("sendAdditionalBodyProperties") or data.get("authentication") != "body":
        return {}
    given = data.get("additionalBodyProperties") or {}
    try:
        value = given if isinstance(given, dict) else orjson.loads(str(given))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise NotUsable("The credential's additionalBodyProperties must be a JSON object")
    return value


def _parse_answer(answer: Answer) -> dict[str, Any]:
    """A provider's answer: JSON, or a form as early ones write it; a page is neither, whatever its links hold."""
    try:
        told = orjson.loads(answer.content)
    except ValueError:
        text = answer.text()[:MAX_TOKENS_BYTES].lstrip()
        told = {} if text.startswith("<") else dict(parse_qsl(text))
    return told if isinstance(told, dict) else {}
