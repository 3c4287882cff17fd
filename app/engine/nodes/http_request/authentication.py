"""How a request proves who sends it: n8n's generic credential types, put into a request.

Knows what those credentials hold; what they hold leaves here only inside the request.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.engine.nodes.http_request import oauth, predefined
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert
from app.outgoing.calls import matches
from app.outgoing.certificates import Certificate

if TYPE_CHECKING:
    import httpx

TYPES = frozenset(
    {"httpBasicAuth", "httpHeaderAuth", "httpBearerAuth", "httpQueryAuth", "httpDigestAuth", "httpCustomAuth"}
)


@dataclass(frozen=True, slots=True)
class RequestProof:
    """What a credential adds to a request; `domains` (None: any) are those that it may be sent to."""

    headers: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    """Headers that are no secret, and that the node may say otherwise."""
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    auth: "httpx.Auth | None" = None
    domains: tuple[str, ...] | None = None
    certificate: Certificate | None = None

    @property
    def secret_headers(self) -> frozenset[str]:
        """The names, in lower case, of the headers that go where the credential may go only."""
        from app.outgoing.authentication import RenewableToken  # with httpx: nothing may have been sent yet

        added = self.auth.header_names if isinstance(self.auth, RenewableToken) else frozenset()
        return added | {name.lower() for name in self.headers}

    def check(self, url: str, item: int) -> None:
        """Raises NodeError when the credential must not be sent to that address, or it is none."""
        if self.domains is None:
            return
        import httpx

        try:
            host = httpx.URL(url).host.lower()
        except httpx.InvalidURL:  # not quoted: there may be a secret in it
            raise NodeError("Invalid URL", item_index=item) from None
        if not any(matches(host, domain) for domain in self.domains):
            allowed = ", ".join(self.domains) or "none"
            raise NodeError(
                f"This credential must not be sent to '{host}'; the domains that it allows: {allowed}.", item_index=item
            )


NO_PROOF = RequestProof()


async def proof(context: NodeContext, kind: str) -> RequestProof:
    """What the node's credential of that type adds to its requests. Raises NodeError."""
    named = (context.node.document.get("credentials") or {}).get(kind)
    if not named:
        raise NodeError("Credentials not found")
    if kind in TYPES | predefined.TYPES:
        credential = await context.credential(kind)
        return RequestProof(**_parts(kind, credential), domains=allowed_domains(credential))
    credential = await oauth.credential_of(context, kind)
    if kind not in oauth.TYPES and not oauth.holds_tokens(credential):
        raise NodeError(
            f"Credentials of type '{kind}' are not supported. Choose a generic type, with what the service's "
            f"documentation asks for: {', '.join(sorted(TYPES | oauth.TYPES))}.",
        )
    return RequestProof(auth=oauth.proof_of(context, kind, credential), domains=allowed_domains(credential))


def _parts(kind: str, credential: dict[str, Any]) -> dict[str, Any]:
    if kind in predefined.TYPES:
        return predefined.parts(kind, credential)
    user, password = str(credential.get("user", "")), str(credential.get("password", ""))
    import httpx

    if kind == "httpBasicAuth":
        return {"auth": httpx.BasicAuth(user, password)}
    if kind == "httpDigestAuth":
        return {"auth": httpx.DigestAuth(user, password)}
    if kind == "httpBearerAuth":
        return {"headers": {"Authorization": f"Bearer {credential.get('token', '')}"}}
    name, value = str(credential.get("name", "")), str(credential.get("value", ""))
    if kind == "httpHeaderAuth":
        return {"headers": {name: value}}
    if kind == "httpQueryAuth":
        return {"query": {name: value}}
    try:
        given = credential.get("json", "{}")
        custom = given if isinstance(given, dict) else conversions.parse_json(str(given))
    except CannotConvert:
        raise NodeError("The JSON of the custom authentication is not valid.") from None
    headers = {str(key): str(entry) for key, entry in (custom.get("headers") or {}).items()}
    return {"headers": headers, "query": custom.get("qs") or {}, "body": custom.get("body") or {}}


def allowed_domains(credential: dict[str, Any]) -> tuple[str, ...] | None:
    """The hosts that a credential may be sent to, None: any."""
    allowed = credential.get("allowedHttpRequestDomains", "all")
    if allowed == "all":
        return None
    if allowed == "none":
        return ()
    return tuple(
        filter(None, (entry.strip().lower() for entry in str(credential.get("allowedDomains", "")).split(",")))
    )
