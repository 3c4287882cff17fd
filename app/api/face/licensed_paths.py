"""What n8n has with a licence and this program has not: 403, as n8n says without one, with a sentence that says so.

These paths are no endpoints: the OpenAPI document does not name them.
"""

import re

PREFIX = "/api/v1/"
ABSENT = (
    (r"source-control(/.*)?", "Source control: workflows are kept in versions; see GET /workflows/{id}/history"),
    (r"settings/ldap(/.*)?", "LDAP"),
    (r"settings/sso/saml", "SAML"),
    (r"settings/sso/oidc", "OpenID Connect"),
    (r"settings/otel(/.*)?", "Settings of OpenTelemetry"),
    (r"settings/security-policy", "A security policy"),
    (r"settings/log-streaming(/.*)?", "Log streaming"),
    (r"promotions(/.*)?", "Promotions"),
    (r"role-mapping-rules(/.*)?", "Role mapping"),
    (r"roles(/.*)?", "Roles: what a key may do is decided by its scopes"),
    (r"users/[^/]*/role", "Other roles than owner and member"),
    (r"node-type-policies(/.*)?", "Node type policies"),
    (r"projects/[^/]*/folders(/.*)?", "Folders"),
    (r"workflows/[^/]*/test-runs(/.*)?", "Evaluations"),
)
PATHS = tuple((re.compile(pattern), what) for pattern, what in ABSENT)


def absent(path: str) -> str | None:
    """The sentence about a path of something that is not here; None for another path."""
    rest = path.removeprefix(PREFIX).removesuffix("/")
    if not path.startswith(PREFIX):
        return None
    for pattern, what in PATHS:
        if pattern.fullmatch(rest):
            name, _, instead = what.partition(": ")
            return f"{name}: this server has no such thing{f'; {instead}' if instead else ''}"
    return None
