"""What the tokens of a webhook's callers are checked with."""

from app.credentials.credential_type import TEXT, CredentialType, choice

ALGORITHMS = [f"{family}{size}" for family in ("HS", "RS", "ES", "PS") for size in (256, 384, 512)]

TYPE = CredentialType(
    "jwtAuth",
    {
        "keyType": choice("passphrase", "pemKey"),
        "secret": TEXT,
        "privateKey": TEXT,
        "publicKey": TEXT,
        "algorithm": choice(*ALGORITHMS, "none"),
    },
)
