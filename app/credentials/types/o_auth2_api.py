"""A client of a provider of OAuth 2, with the tokens that it was given."""

from app.credentials.credential_type import BOOLEAN, DOMAINS, JSON, NUMBER, TEXT, CredentialType, choice

TYPE = CredentialType(
    "oAuth2Api",
    {
        "grantType": choice("authorizationCode", "clientCredentials", "pkce"),
        "serverUrl": TEXT,
        "authUrl": TEXT,
        "accessTokenUrl": TEXT,
        "clientId": TEXT,
        "clientSecret": TEXT,
        "scope": TEXT,
        "authQueryParameters": TEXT,
        "authentication": choice("body", "header"),
        "sendAdditionalBodyProperties": BOOLEAN,
        "additionalBodyProperties": JSON,
        "ignoreSSLIssues": BOOLEAN,
        "tokenExpiredStatusCode": NUMBER,
        "jweEnabled": BOOLEAN,
        "jwksUri": TEXT,
        "inlineJwks": BOOLEAN,
        **DOMAINS,
        "oauthTokenData": JSON,
    },
    hidden={
        "useDynamicClientRegistration": BOOLEAN,
        "clientCredentialType": TEXT,
        "privateKey": TEXT,
        "certificate": TEXT,
        "csrfSecret": TEXT,
        "codeVerifier": TEXT,
    },
)
