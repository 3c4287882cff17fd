"""How often, and after which pauses, a worker tries again what PostgreSQL itself refuses."""

ATTEMPTS = 12
"""So often it is tried (six minutes, and what the attempts take)."""
LONGEST_PAUSE = 60.0
"""Seconds between two attempts: the first pause is a second, and each is twice the one before."""


def pause_after(refusals: int) -> float:
    """Seconds to the next attempt, after so many that were refused."""
    return min(2.0 ** (refusals - 1), LONGEST_PAUSE)
