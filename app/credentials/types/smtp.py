"""How to reach a mail server."""

from app.credentials.credential_type import BOOLEAN, NUMBER, TEXT, CredentialType

TYPE = CredentialType(
    "smtp",
    {
        "user": TEXT,
        "password": TEXT,
        "host": TEXT,
        "port": NUMBER,
        "secure": BOOLEAN,
        "disableStartTls": BOOLEAN,
        "hostName": TEXT,
    },
)
