"""A parameter of the query string that requests carry."""

from app.credentials.credential_type import DOMAINS, TEXT, CredentialType

TYPE = CredentialType("httpQueryAuth", {"name": TEXT, "value": TEXT, **DOMAINS})
