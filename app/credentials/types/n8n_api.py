"""The API of a server that speaks n8n's, this program's own among them."""

from app.credentials.credential_type import DOMAINS, TEXT, CredentialType

TYPE = CredentialType("n8nApi", {"apiKey": TEXT, "baseUrl": TEXT, **DOMAINS})
