"""What is told of one thing that was looked at."""

from dataclasses import dataclass

LISTED = 10
"""Of many alike so many are named."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` says what to do, None when it is well."""

    subject: str
    state: str
    advice: str | None = None
