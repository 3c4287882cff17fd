"""What a type adds to a credential's data, as node packages define types."""

from typing import Any

import pytest

from app.credentials.completion import ancestry, complete
from app.credentials.known_types import OAUTH1, OAUTH2, KnownTypes
from app.credentials.tokens import belong_together


def defined(*extends: str, **defaults: Any) -> dict[str, Any]:
    properties = [{"name": name, "type": "hidden", "default": value} for name, value in defaults.items()]
    return {"extends": list(extends), "properties": properties}


SHOP = {
    "accessTokenUrl": '=https://{{$self["shop"]}}.example/{{ $self.shop }}/token',
    "scope": '={{$self["customScopes"] ? $self["enabledScopes"] : "read write"}}',
    "authQueryParameters": '={{ "x=" + $self.shop }}',
}
TYPES = {
    "oAuth2Api": defined(grantType="authorizationCode", authentication="header", scope="", authUrl=""),
    "baseOAuth2Api": defined("oAuth2Api", authentication="body", authUrl="https://a.example/auth"),
    "shopOAuth2Api": defined("baseOAuth2Api", **SHOP, shop="main"),
    "circleApi": defined("circleApi", "otherApi"),
    "otherApi": defined("circleApi", authUrl="x"),
}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, {"accessTokenUrl": "https://main.example/main/token", "scope": "read write"}),
        ({"shop": "my"}, {"accessTokenUrl": "https://my.example/my/token"}),
        ({"customScopes": True, "enabledScopes": "all"}, {"scope": "all"}),
        ({"scope": "mine", "authentication": "header"}, {"scope": "mine", "authentication": "header"}),
        ({}, {"grantType": "authorizationCode", "authentication": "body", "authUrl": "https://a.example/auth"}),
    ],
)
def test_defaults_are_those_of_the_nearest_type(data, expected) -> None:
    completed = complete("shopOAuth2Api", data, TYPES)
    assert completed | expected == completed
    assert "authQueryParameters" not in completed  # nobody here can tell what it comes to


def test_an_expression_that_is_a_program_is_asked_of_whoever_can_tell() -> None:
    asked = []

    def evaluate(text: str, data) -> str:
        asked.append((text, data["shop"]))
        return "x=main"

    completed = complete("shopOAuth2Api", {}, TYPES, evaluate)
    assert completed["authQueryParameters"] == "x=main"
    assert asked == [('={{ "x=" + $self.shop }}', "main")]


@pytest.mark.parametrize(
    ("kind", "field", "expected"),
    [
        ("shopOAuth2Api", "shop", True),
        ("shopOAuth2Api", "area", True),
        ("shopOAuth2Api", "accessTokenUrl", True),
        ("shopOAuth2Api", "enabledScopes", False),
        ("baseOAuth2Api", "shop", False),
        ("snowflakeOAuth2Api", "account", True),
    ],
)
def test_fields_that_addresses_are_made_of_say_which_provider_is_asked(kind: str, field: str, expected: bool) -> None:
    types = {**TYPES, "shopOAuth2Api": defined("baseOAuth2Api", **SHOP, shop="={{ $self.area }}")}
    assert (field in (KnownTypes(lambda: types).identity(kind) or ())) is expected


@pytest.mark.parametrize(("kind", "packages"), [("shopOAuth2Api", None), ("oAuth2Api", None), ("goneOAuth2Api", TYPES)])
def test_where_nobody_knows_a_type_any_field_may_say_which_provider_is_asked(kind: str, packages: Any) -> None:
    identity = KnownTypes(lambda: packages).identity(kind)
    assert identity is None
    one = {"clientId": "c", "region": "eu", "oauthTokenData": {"access_token": "a"}}
    assert belong_together(one, {"clientId": "c", "region": "eu"}, identity)
    for other in ({"clientId": "c", "region": "us"}, {"clientId": "c"}):
        assert not belong_together(one, other, identity)
        assert not belong_together(other, one, identity)


def test_types_that_extend_each_other_end() -> None:
    assert ancestry("circleApi", TYPES) == ["circleApi", "otherApi"]
    assert complete("circleApi", {}, TYPES) == {"authUrl": "x"}


def test_packages_come_before_what_is_known_of_services() -> None:
    known, told = KnownTypes(), KnownTypes(lambda: {**TYPES, "gmailOAuth2": defined("shopOAuth2Api")})
    assert (known.protocol("gmailOAuth2"), known.protocol("trelloOAuth1Api")) == (OAUTH2, OAUTH1)
    assert (known.protocol("shopOAuth2Api"), told.protocol("shopOAuth2Api")) == (None, OAUTH2)
    assert known.protocol("httpBasicAuth") is None
    assert known.complete("gmailOAuth2", {})["accessTokenUrl"] == "https://oauth2.googleapis.com/token"
    assert told.complete("gmailOAuth2", {})["accessTokenUrl"] == "https://main.example/main/token"
    assert (known.wants_scope("gmailOAuth2"), told.wants_scope("gmailOAuth2")) == (True, False)
    assert (
        known.complete("gmailOAuth2", {"accessTokenUrl": "https://x.example"})["accessTokenUrl"] == "https://x.example"
    )
