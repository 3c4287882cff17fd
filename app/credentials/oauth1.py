"""OAuth 1: what is asked of a provider and what its answers mean, from the data of n8n's type oAuth1Api and of those
that extend it. Sends nothing."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from app.credentials.masking import Mask
from app.credentials.oauth2 import MAX_TOKENS_BYTES, check_url
from app.credentials.oauth_errors import NotUsable, ProviderRefused
from app.credentials.provider import SECONDS, ask, message_of, secrets_in
from app.outgoing.calls import Answer, Call
from app.outgoing.client import Outgoing


def request_token_call(data: Mapping[str, Any], callback: str) -> Call:
    """Asks for the token that somebody is then sent to the provider with. Raises NotUsable."""
    return _call(data, "requestTokenUrl", callback=callback)


def consent_url(data: Mapping[str, Any], request_token: str) -> str:
    """Where somebody says that the client may act for them. Raises NotUsable."""
    url = str(data.get("authUrl") or "")
    check_url(url, "authUrl")
    from authlib.common.urls import add_params_to_uri  # here: few processes ever ask anybody

    made: str = add_params_to_uri(url, [("oauth_token", request_token)])
    return made


def access_token_call(data: Mapping[str, Any], request_token: str, token_secret: str, verifier: str) -> Call:
    """Asks for tokens in exchange for the one that somebody has consented with. Raises NotUsable."""
    return _call(data, "accessTokenUrl", token=request_token, token_secret=token_secret, verifier=verifier)


async def fetch(outgoing: Outgoing, call: Call, data: Mapping[str, Any]) -> dict[str, str]:
    """The tokens that a provider gives.

    Raises ProviderUnreachable, ProviderRefused; nothing secret of `data` is in those.
    """
    return tokens_of(await ask(outgoing, call), Mask(secrets_in(data)))


def tokens_of(answer: Answer, mask: Mask) -> dict[str, str]:
    """What a provider has answered with: `oauth_token`, `oauth_token_secret` and more. Raises ProviderRefused."""
    text = answer.text()
    told = dict(parse_qsl(text[:MAX_TOKENS_BYTES], keep_blank_values=True))
    if answer.status >= 400 or not told.get("oauth_token") or len(answer.content) > MAX_TOKENS_BYTES:
        raise ProviderRefused(answer.status, "", _refusal(text, answer, mask))
    return told


def _refusal(text: str, answer: Answer, mask: Mask) -> str:
    try:
        told = orjson.loads(text)
    except ValueError:
        told = None
    if isinstance(told, dict):
        said = message_of(told, mask)
    else:
        said = "" if "<" in text else " ".join(mask.text(text).split())[:200]
    return said or ("" if answer.status >= 400 else "there is no token in its answer")


def _call(data: Mapping[str, Any], field: str, **proof: str) -> Call:
    from app.outgoing.authentication import Signature  # with httpx: few processes ever ask anybody

    url = str(data.get(field) or "")
    check_url(url, field)
    key, secret = str(data.get("consumerKey") or ""), str(data.get("consumerSecret") or "")
    if not key:
        raise NotUsable("The credential has no consumerKey")
    try:
        signature = Signature(key, secret, method=str(data.get("signatureMethod") or "HMAC-SHA1"), **proof)
    except ValueError as error:
        raise NotUsable(str(error)) from None
    return Call("POST", url, [("Accept", "*/*")], auth=signature, timeout=SECONDS, max_redirects=0)
