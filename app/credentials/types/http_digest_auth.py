"""A user and a password that are never sent as they are."""

from app.credentials.credential_type import DOMAINS, TEXT, CredentialType

TYPE = CredentialType("httpDigestAuth", {"user": TEXT, "password": TEXT, **DOMAINS})
