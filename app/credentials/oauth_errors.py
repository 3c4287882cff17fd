"""Errors between a credential and its provider. Whoever uses the credential may read the messages."""

OTHER_CODES = (
    "invalid_client",
    "invalid_request",
    "invalid_scope",
    "server_error",
    "slow_down",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
)
"""Errors of RFC 6749 that are about the client, the request or the moment."""


class OAuthError(Exception):
    """No token could be had."""


class NotUsable(OAuthError):
    """What the credential holds cannot be used; the message says what of it."""


class ConsentNeeded(OAuthError):
    """Somebody has to consent (again) first; the message follows the credential's name."""


class ProviderUnreachable(OAuthError):
    """The provider gave no answer."""


class ProviderRefused(OAuthError):
    """The provider has answered that it gives no tokens.

    `code` is the error of RFC 6749, empty for none; `said` is in the provider's words.
    """

    def __init__(self, status: int, code: str, said: str) -> None:
        told = ": ".join(filter(None, (code, said if said != code else "")))
        super().__init__(f"The provider refused (HTTP {status}){': ' if told else ''}{told}")
        self.status = status
        self.code = code

    @property
    def for_good(self) -> bool:
        """Whether asking again would help nobody: what is held is not taken any more."""
        return self.code in ("invalid_grant", "access_denied", "consent_required", "interaction_required")

    @property
    def may_be_of_tokens(self) -> bool:
        """Whether it may be what is held that is not taken, in words of the provider's own."""
        return self.status in (400, 401, 403) and self.code not in OTHER_CODES
