"""Headers, query parameters and body fields that are added to requests, as JSON."""

from app.credentials.credential_type import DOMAINS, JSON, CredentialType

TYPE = CredentialType("httpCustomAuth", {"json": JSON, **DOMAINS}, required=("json",))
