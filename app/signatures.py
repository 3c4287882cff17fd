"""Signs addresses that are handed out, so that nobody can make up others. Knows nothing of what they lead to."""

import hashlib
import hmac
from urllib.parse import quote

from app.credentials.keys import Key, Keyring
from app.settings import Settings


class Signer:
    """Signs with the key of this installation, and knows what was signed with an earlier one."""

    def __init__(self, keyring: Keyring) -> None:
        """Raises OSError at once where there can be no key."""
        keyring.accepted_keys()
        self._keyring = keyring

    def sign(self, text: str) -> str:
        """The signature of a text, by the current key."""
        return signature_of(self._keyring.current(), text)

    def is_signed(self, text: str, signature: str) -> bool:
        """Whether the signature is ours for this text; takes as long whatever the answer."""
        given = signature.encode("utf-8", "replace")
        keys = self._keyring.accepted_keys()
        compared = [hmac.compare_digest(signature_of(key, text).encode(), given) for key in keys]
        return any(compared)


def signature_of(key: Key, text: str) -> str:
    """The text's signature with one key."""
    secret = hashlib.sha256(b"executions addresses" + key.text.encode()).digest()
    return hmac.digest(secret, text.encode(), "sha256").hex()


def waiting_urls(settings: Settings, signer: Signer, execution_id: int) -> tuple[str, str]:
    """The address that ends an execution's wait for a call, and that of the pages that it shows in its course."""
    signed = f"waiting/{execution_id}?signature={signer.sign(f'resume {execution_id}')}"
    return f"{settings.webhook_url}/webhook-{signed}", f"{settings.webhook_url}/form-{signed}"


def question_url(settings: Settings, signer: Signer, execution_id: int, node: str, run: int) -> str:
    """The address at which people answer what one run of a node asks them; it answers nothing else."""
    signature = signer.sign(question_text(execution_id, node, str(run)))
    place = f"{execution_id}/{quote(node, safe='')}"
    return f"{settings.webhook_url}/form-waiting/{place}?run={run}&signature={signature}"


def question_text(execution_id: int, node: str, run: str) -> str:
    """What is signed in the links of a question."""
    return f"question {execution_id} {run} {node}"


def form_url(settings: Settings, signer: Signer, execution_id: int) -> str:
    """The address of the pages that an execution shows in its course."""
    return waiting_urls(settings, signer, execution_id)[1]
