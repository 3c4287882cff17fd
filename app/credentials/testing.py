"""The protocol by which the API has a credential tested on its service."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a credential is kept, for a worker that reads it by itself."""

    credential_id: str
    project_id: str


class CannotTest(Exception):
    """There is no way to try credentials of this type."""


class TooManyTests(Exception):
    """As many are tried at the moment as may be, of all or of whoever asks."""


class CredentialTests(Protocol):
    """Tries credentials on their services."""

    def problem(
        self, kind: str, data: dict[str, Any], asked_by: Hashable = None, stored: Stored | None = None
    ) -> str | None:
        """Why the service does not take the credential, None when it does; no secret is in it.

        Of a type whose package is needed for it the `stored` one is tried, by a worker.
        Waits for the service; whoever asks has a share of the places and no more, so that others find one.
        Raises CannotTest, TooManyTests.
        """
