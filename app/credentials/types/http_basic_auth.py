"""A user and a password: put into requests, or asked of a webhook's callers."""

from app.credentials.credential_type import DOMAINS, TEXT, CredentialType

TYPE = CredentialType(
    "httpBasicAuth",
    {"user": TEXT, "password": TEXT, **DOMAINS},
    proves_caller=("user", "password"),
)
