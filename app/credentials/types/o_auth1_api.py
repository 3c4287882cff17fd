"""A consumer at a provider of OAuth 1, with the tokens that it was given."""

from app.credentials.credential_type import DOMAINS, JSON, TEXT, CredentialType, choice

TYPE = CredentialType(
    "oAuth1Api",
    {
        "authUrl": TEXT,
        "accessTokenUrl": TEXT,
        "consumerKey": TEXT,
        "consumerSecret": TEXT,
        "requestTokenUrl": TEXT,
        "signatureMethod": choice("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512"),
        **DOMAINS,
        "oauthTokenData": JSON,
    },
    required=("consumerKey", "consumerSecret"),
    hidden={"csrfSecret": TEXT},
)
