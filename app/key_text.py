"""What an API key looks like: a JSON web token, as n8n's are, because clients read the id of their user from it.

To this program the text is opaque: it is found by its SHA-256. What it is signed with is thrown away.
"""

import secrets
from datetime import UTC, datetime
from uuid import UUID, uuid4

MIN_LENGTH, MAX_LENGTH = 16, 1_024
"""Characters of a key that an operator chooses; what is longer is none, whoever shows it."""
ISSUER, AUDIENCE = "n8n", "public-api"
"""What n8n's keys say, and clients compare."""


def new_key(user_id: UUID, expires_at: datetime | None = None) -> str:
    """A key of this user that nobody can guess: 250 bits of it are random."""
    import jwt  # here: few processes make keys

    claims: dict[str, object] = {
        "sub": str(user_id),
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": str(uuid4()),
        "iat": datetime.now(UTC),
    }
    if expires_at is not None:
        claims["exp"] = expires_at
    return jwt.encode(claims, secrets.token_bytes(32), algorithm="HS256")
