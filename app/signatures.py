"""Signs addresses that are handed out, so that nobody can make up others. Knows nothing of what they lead to."""

import hashlib
import hmac

from app.credentials.encryption import kept_key
from app.settings import Settings


class Signer:
    """Signs with the key of this installation, which is the one that credentials are encrypted with."""

    def __init__(self, settings: Settings) -> None:
        key = settings.encryption_key or kept_key(settings.home)
        self._key = hashlib.sha256(b"executions addresses" + key.encode()).digest()

    def sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def is_signed(self, text: str, signature: str) -> bool:
        """Whether the signature is ours for this text; takes as long whatever the answer."""
        return hmac.compare_digest(self.sign(text).encode(), signature.encode("utf-8", "replace"))


def resume_url(settings: Settings, signer: Signer, execution_id: int) -> str:
    """The address that ends an execution's wait for a call."""
    signature = signer.sign(f"resume {execution_id}")
    return f"{settings.webhook_url}/webhook-waiting/{execution_id}?signature={signature}"
