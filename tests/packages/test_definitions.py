"""What packages define of credential types is what tokens are got by, expressions included."""

from app.credentials.known_types import OAUTH2, KnownTypes
from app.packages.definitions import SandboxExpressions, definitions_of
from app.packages.manifest import PackagedCredential

SCOPE = '={{$self["all"] ? "user_scope=" + $self["scopes"].split(",").join(" ") : "user_scope=read"}}'
HUB = PackagedCredential(
    "hubOAuth2Api",
    "Hub",
    "hub.js",
    "Hub",
    extends=("oAuth2Api",),
    properties=(
        {"name": "server", "type": "string", "default": "https://api.hub.example"},
        {"name": "authUrl", "type": "hidden", "default": '={{$self["server"].replace("api.", "")}}/authorize'},
        {"name": "authQueryParameters", "type": "hidden", "default": SCOPE},
        {"name": "scope", "type": "hidden", "default": "={{ $self.oauthTokenData.access_token + $self.clientSecret }}"},
        {"name": "accessTokenUrl", "type": "hidden", "default": "={{ $self.nothing.more }}"},
    ),
)


def test_expressions_are_evaluated_apart_and_see_no_secret() -> None:
    evaluate = SandboxExpressions()
    known = KnownTypes(lambda: definitions_of([HUB]), evaluate)
    assert known.protocol("hubOAuth2Api") == OAUTH2
    data = {"all": True, "scopes": "a,b", "clientSecret": "s", "oauthTokenData": {"access_token": "t"}}
    completed = known.complete("hubOAuth2Api", data)
    assert completed["authUrl"] == "https://hub.example/authorize"
    assert completed["authQueryParameters"] == "user_scope=a b"
    assert {"scope", "accessTokenUrl"}.isdisjoint(completed)
    assert known.complete("hubOAuth2Api", {})["authQueryParameters"] == "user_scope=read"
    assert known.complete("hubOAuth2Api", {"authUrl": "mine"})["authUrl"] == "mine"
