"""Whether a service takes a credential: what the API asks of those who know how."""

from typing import Any, Protocol


class CannotTest(Exception):
    """There is no way to try credentials of this type."""


class TooManyTests(Exception):
    """As many are tried at the moment as may be."""


class CredentialTests(Protocol):
    def problem(self, kind: str, data: dict[str, Any]) -> str | None:
        """Why the service does not take the credential, None when it does; no secret is in it.

        Waits for the service. Raises CannotTest, TooManyTests.
        """
