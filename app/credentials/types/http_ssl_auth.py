"""A client certificate with its key, and a certificate authority to trust."""

from app.credentials.credential_type import TEXT, CredentialType

TYPE = CredentialType("httpSslAuth", {"ca": TEXT, "cert": TEXT, "key": TEXT, "passphrase": TEXT})
