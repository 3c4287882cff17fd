"""Certificates that a workflow shows or trusts when it calls others, and the TLS settings that come of them."""

import os
import ssl
import tempfile
from dataclasses import dataclass
from typing import Any

from app.pem import unfold

MAX_FILE_BYTES = 4 * 2**20
"""Bytes that are read of a file of certificates."""


class InvalidCertificate(Exception):
    """A certificate or key that cannot be used; the message says which, and nothing of what it holds."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What n8n's credential httpSslAuth holds, in PEM; empty: none. `ca` is trusted besides what always is."""

    cert: str = ""
    key: str = ""
    passphrase: str = ""
    ca: str = ""


def certificate_of(credential: dict[str, Any]) -> Certificate:
    """The certificate that a credential of type httpSslAuth holds."""
    text = {name: str(credential.get(name) or "") for name in ("cert", "key", "passphrase", "ca")}
    return Certificate(unfold(text["cert"]), unfold(text["key"]), text["passphrase"], unfold(text["ca"]))


def further_authorities() -> str | None:
    """The certificates, in PEM, of those whom the operator trusts by SSL_CERT_FILE; None: there is no such file."""
    try:
        with open(os.environ.get("SSL_CERT_FILE") or "", encoding="latin-1") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError:
        return None


def tls_context(certificate: Certificate | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """How to speak TLS. Reads files, and writes one for a certificate, so not on the event loop.

    Raises InvalidCertificate.
    """
    context = ssl.create_default_context()
    if certificate is not None:
        if certificate.ca:
            try:
                context.load_verify_locations(cadata=certificate.ca)
            except (ssl.SSLError, ValueError):
                raise InvalidCertificate("The CA of the SSL credential is not a certificate") from None
        if certificate.cert:
            _show(context, certificate)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _show(context: ssl.SSLContext, certificate: Certificate) -> None:
    """Python's ssl takes a certificate of one's own from a file only; this one lives for a moment and is ours alone."""
    handle, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{certificate.cert}\n{certificate.key}\n")
        context.load_cert_chain(path, password=certificate.passphrase or "")
    except (ssl.SSLError, ValueError, OSError):
        raise InvalidCertificate("The certificate and key of the SSL credential do not go together") from None
    finally:
        os.unlink(path)
