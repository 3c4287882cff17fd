"""A token that requests carry."""

from app.credentials.credential_type import DOMAINS, TEXT, CredentialType

TYPE = CredentialType("httpBearerAuth", {"token": TEXT, **DOMAINS})
