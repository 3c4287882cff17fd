"""Headers, query parameters and body fields that are added to requests, as JSON."""

from app.credentials.credential_type import DOMAINS, TEXT, CredentialType

TYPE = CredentialType("httpCustomAuth", {"json": TEXT, **DOMAINS})
