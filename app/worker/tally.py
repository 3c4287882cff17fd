"""What a worker's process has done so far."""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Numbers of executions since the process began."""

    claims: int = 0
    results: int = 0
    """Those that were recorded."""
    late_results: int = 0
    """Those that came after a stop or a reaping, and were dropped."""
