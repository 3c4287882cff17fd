"""How to reach a mailbox."""

from app.credentials.credential_type import BOOLEAN, NUMBER, TEXT, CredentialType

TYPE = CredentialType(
    "imap",
    {
        "user": TEXT,
        "password": TEXT,
        "host": TEXT,
        "port": NUMBER,
        "secure": BOOLEAN,
        "allowUnauthorizedCerts": BOOLEAN,
    },
)
