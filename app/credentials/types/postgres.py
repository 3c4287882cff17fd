"""How to reach a PostgreSQL."""

from app.credentials.credential_type import BOOLEAN, NUMBER, TEXT, CredentialType, choice

TYPE = CredentialType(
    "postgres",
    {
        "host": TEXT,
        "database": TEXT,
        "user": TEXT,
        "password": TEXT,
        "maxConnections": NUMBER,
        "allowUnauthorizedCerts": BOOLEAN,
        "ssl": choice("allow", "disable", "require"),
        "port": NUMBER,
        "sshTunnel": BOOLEAN,
        "sshAuthenticateWith": choice("password", "privateKey"),
        "sshHost": TEXT,
        "sshPort": NUMBER,
        "sshUser": TEXT,
        "sshPassword": TEXT,
        "privateKey": TEXT,
        "passphrase": TEXT,
    },
)
