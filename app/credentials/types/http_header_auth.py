"""A header: put into requests, or asked of a webhook's callers."""

from app.credentials.credential_type import DOMAINS, NOTICE, TEXT, CredentialType

TYPE = CredentialType(
    "httpHeaderAuth",
    {"name": TEXT, "value": TEXT, "useCustomAuth": NOTICE, **DOMAINS},
    proves_caller=("name", "value"),
)
