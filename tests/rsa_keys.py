"""RSA keys for tests: as PEM, and one whose factors no test finds prime."""

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def pem_of(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_of_three_factors() -> rsa.RSAPrivateKey:
    """Its signatures are as good as any other's, but no test of its two factors finds them prime."""
    half, other = (rsa.generate_private_key(65537, 1024).private_numbers() for _ in range(2))
    p, q, e = half.p * half.q, other.p, 65537
    d = pow(e, -1, (half.p - 1) * (half.q - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)
