"""The words for what an execution is: its statuses, its modes, its votes. All else derives its lists from these.
And what a user is, and the columns of every data table.

The CHECK constraints in sql/ list the same words; a test compares them.
"""

from typing import Literal, get_args

InFlight = Literal["new", "running", "waiting"]
Ended = Literal["success", "error", "canceled", "crashed"]
Status = Literal[InFlight, Ended]
Mode = Literal[
    "manual",
    "trigger",
    "webhook",
    "retry",
    "integrated",
    "error",
    "cli",
    "chat",
    "internal",
    "evaluation",
    "agent",
]
Vote = Literal["up", "down"]

IN_FLIGHT: tuple[InFlight, ...] = get_args(InFlight)
ENDED: tuple[Ended, ...] = get_args(Ended)
STATUSES: tuple[Status, ...] = (*IN_FLIGHT, *ENDED)
RETRYABLE: tuple[Ended, ...] = ("error", "canceled", "crashed")
FAILED: tuple[Ended, ...] = ("error", "crashed")
MODES: tuple[Mode, ...] = get_args(Mode)
VOTES: tuple[Vote, ...] = get_args(Vote)

MAX_ID = 2**63 - 1
"""The highest id that PostgreSQL's bigint has room for."""

SYSTEM_COLUMNS = {"id": "number", "createdAt": "date", "updatedAt": "date"}
"""The columns that every data table has, with their types."""

OWNER, MEMBER = "global:owner", "global:member"
"""What a user is, as n8n names it."""
