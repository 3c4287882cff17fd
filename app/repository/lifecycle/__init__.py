"""The state machine of executions: how one comes to be, is claimed, ends, is stopped or given up as crashed.

| from                  | to                      | by                                      |
| (none)                | new                     | create_execution                        |
| (none)                | new, at once running    | create_running, a worker's sub-workflow |
| new, due waiting      | running                 | claim                                   |
| running               | success, error, waiting | finish, by the worker that holds it     |
| running               | canceled                | finish, when its time limit is over     |
| new, running, waiting | canceled                | stop, stop_many                         |
| running               | crashed                 | reap, of a worker that is lost          |

Each step is one statement guarded by the state that it leaves. Nothing leaves an ended state: a late
result of a stopped or reaped run matches no row and is dropped.
"""

from app.repository.lifecycle.claims import (
    FIRST_TURN,
    Claim,
    Known,
    Lacked,
    claim,
    lacks_nothing,
    no_longer_held,
    seconds_to_next_wait,
    unacknowledged_claims,
)
from app.repository.lifecycle.crashes import reap
from app.repository.lifecycle.creation import (
    MAX_DEEP,
    MAX_DEPTH,
    StartInput,
    create_execution,
    create_running,
    depth_of,
    has_room_below,
)
from app.repository.lifecycle.error_workflows import Failure
from app.repository.lifecycle.extra_places import NO_EXTRA_PLACES, ExtraPlaces
from app.repository.lifecycle.parents import find_awaited, read_child, wake_if_over
from app.repository.lifecycle.results import Result, finish
from app.repository.lifecycle.resumptions import AwaitsNoCall, WaitingNode, resume_by_webhook, waiting_node
from app.repository.lifecycle.stops import stop, stop_many

__all__ = [
    "FIRST_TURN",
    "MAX_DEEP",
    "MAX_DEPTH",
    "NO_EXTRA_PLACES",
    "AwaitsNoCall",
    "Claim",
    "ExtraPlaces",
    "Failure",
    "Known",
    "Lacked",
    "Result",
    "StartInput",
    "WaitingNode",
    "claim",
    "create_execution",
    "create_running",
    "depth_of",
    "find_awaited",
    "finish",
    "has_room_below",
    "lacks_nothing",
    "no_longer_held",
    "read_child",
    "reap",
    "resume_by_webhook",
    "seconds_to_next_wait",
    "stop",
    "stop_many",
    "unacknowledged_claims",
    "waiting_node",
    "wake_if_over",
]
