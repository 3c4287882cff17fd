"""A token that requests carry."""

from app.credentials.credential_type import DOMAINS, NOTICE, TEXT, CredentialType

TYPE = CredentialType("httpBearerAuth", {"token": TEXT, "useCustomAuth": NOTICE, **DOMAINS}, proves_caller=("token",))
