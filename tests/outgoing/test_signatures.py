"""Signatures of OAuth 1, checked by the letter of RFC 5849."""

import httpx
import pytest

from app.outgoing.authentication import FORM, Signature
from tests.credentials.provider import OAUTH1, signed

KEYS = OAUTH1["consumerKey"], OAUTH1["consumerSecret"]


@pytest.mark.parametrize(
    "url", ["http://inside.example/a%2Fb?x=2&x=1&x", "https://h.example:8443/a;b?fB=1&f[]=2&x=a+b&y=%25"]
)
@pytest.mark.parametrize("body", ["", "x=0&y=a+b&f[]=it's&z=%C3%BC"])
@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512"])
def test_what_any_address_and_form_hold_is_signed(url: str, body: str, method: str) -> None:
    signature = Signature(*KEYS, token="100%25 a/ü", token_secret="t&=", method=method)
    request = httpx.Request("POST", url, content=body.encode(), headers={"Content-Type": FORM})
    next(signature.auth_flow(request))
    shown = request.headers["Authorization"]
    given = signed("POST", url, shown, body, secret="t&=", digest=method.removeprefix("HMAC-").lower())
    assert given is not None
    assert given["oauth_token"] == "100%25 a/ü"
