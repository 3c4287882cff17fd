"""OAuth's part of authentication: requests that carry a token, or are signed.

The table says which services want their token elsewhere than in the Authorization header: facts about services.
"""

from typing import TYPE_CHECKING, Any

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.values import conversions

if TYPE_CHECKING:
    from app.outgoing.authentication import RenewableToken, Signature

OAUTH1 = "oAuth1Api"
TYPES = frozenset({"oAuth2Api", OAUTH1})
SERVICE_ACCOUNT = "googleApi"
BEARER = {"Authorization": "Bearer {token}"}
HEADERS = {
    "clickUpOAuth2Api": {"Authorization": "{token}"},
    "shopifyOAuth2Api": {**BEARER, "X-Shopify-Access-Token": "{token}"},
}
# Where the token of what somebody does, instead of the app, stands in a service's answer.
USERS_TOKEN = {"slackOAuth2Api": "authed_user"}
EXPIRED_STATUS = {"goToWebinarOAuth2Api": 403}


def holds_tokens(credential: dict[str, Any]) -> bool:
    """Whether a credential of a service's own type is one of OAuth's."""
    return bool(token_in("", credential) or tokens_in(credential).get("oauth_token"))


def tokens_in(credential: dict[str, Any]) -> dict[str, Any]:
    """The tokens that a credential holds; none: empty."""
    held = credential.get("oauthTokenData")
    return held if isinstance(held, dict) else {}


def token_in(kind: str, credential: dict[str, Any]) -> str:
    """The access token; empty for none."""
    held = tokens_in(credential)
    users = held.get(USERS_TOKEN.get(kind, "authed_user"))
    own = users.get("access_token") if isinstance(users, dict) else None
    if kind in USERS_TOKEN and own:
        return str(own)
    return str(held.get("access_token") or own or "")


async def credential_of(context: NodeContext, kind: str) -> dict[str, Any]:
    """What the node's credential holds; of a service account with a token, which is got where there is none yet.

    Raises NodeError.
    """
    credential = await context.credential(kind)
    if kind == SERVICE_ACCOUNT and not token_in(kind, credential):
        return await context.renew_credential(kind, "")
    return credential


def proof_of(context: NodeContext, kind: str, credential: dict[str, Any]) -> "RenewableToken | Signature":
    """What puts the token into each request, or signs it. Raises NodeError."""
    from app.outgoing.authentication import RenewableToken  # with httpx: nothing may have been sent yet

    if kind == OAUTH1 or tokens_in(credential).get("oauth_token"):
        return _signature(credential)
    token = token_in(kind, credential)
    if not token:
        raise NodeError("Unable to sign without access token")

    async def renew(refused: str) -> str:
        renewed = token_in(kind, await context.renew_credential(kind, refused))
        if not renewed:
            raise NodeError("Unable to sign without access token")
        return renewed

    expired = conversions.to_number(credential.get("tokenExpiredStatusCode") or EXPIRED_STATUS.get(kind, 401))
    return RenewableToken(
        token, HEADERS.get(kind, BEARER), expired_status=int(expired) if 100 <= expired < 600 else 401, renew=renew
    )


def _signature(credential: dict[str, Any]) -> "Signature":
    from app.outgoing.authentication import Signature

    held = tokens_in(credential)
    try:
        return Signature(
            str(credential.get("consumerKey") or ""),
            str(credential.get("consumerSecret") or ""),
            token=str(held.get("oauth_token") or ""),
            token_secret=str(held.get("oauth_token_secret") or ""),
            method=str(credential.get("signatureMethod") or "HMAC-SHA1"),
        )
    except ValueError as error:
        raise NodeError(str(error)) from None
