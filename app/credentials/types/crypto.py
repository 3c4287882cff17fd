"""What the Crypto node signs and encrypts with."""

from app.credentials.credential_type import TEXT, CredentialType

TYPE = CredentialType(
    "crypto",
    {
        "hmacSecret": TEXT,
        "signPrivateKey": TEXT,
        "encryptionPassphrase": TEXT,
        "encryptionPublicKey": TEXT,
        "encryptionPrivateKey": TEXT,
    },
)
