"""Links by which people answer what an execution asks them, as n8n has signed them: they are in mailboxes.

n8n signs them with a secret of the instance, and not with the token of the execution as other links. The secret is not
kept: of each execution that waits, the signatures are which its links have.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from app.credentials.n8n import InstanceKey, WrongKey
from app.triggers.forms import asks_people

SECRET = "signing.hmac"
"""The type of n8n's deployment key that it signs with, where it has one."""
ENDPOINT = "webhook-waiting"
"""Where n8n is called by such links, unless it was set up otherwise."""
UNRESERVED = "!'()*"


def signing_secret(key: str, deployment_keys: Iterable[Mapping[str, Any]]) -> str:
    """What n8n signs links with. Raises WrongKey where `key` does not open it."""
    for row in deployment_keys:
        if row.get("type") == SECRET and row.get("status") == "active":
            value = row.get("value")
            if not isinstance(value, str):
                raise WrongKey("n8n's database holds none")
            return value if row.get("algorithm") is None else InstanceKey(key).unwrap(value)
    return hashlib.sha256(f"hmac-signature:{key}".encode()).hexdigest()


def question_signatures(
    secret: str, execution_id: int, node: Mapping[str, Any], endpoint: str = ENDPOINT
) -> tuple[str, str] | None:
    """The signatures of the links that say no and yes, at this endpoint of n8n; None where the node asks nobody."""
    if not asks_people(node) or not isinstance(node.get("id"), str):
        return None
    path = f"/{endpoint}/{execution_id}/{quote(node['id'], safe=UNRESERVED)}"
    no, yes = (
        hmac.digest(secret.encode(), f"{path}?approved={approved}".encode(), "sha256").hex()
        for approved in ("false", "true")
    )
    return no, yes
