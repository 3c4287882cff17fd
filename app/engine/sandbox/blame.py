"""Which requests are to blame when a sandbox process ends by itself, and with what errors they fail."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from app.engine.sandbox.errors import SandboxEnded, SandboxError, SandboxMemory
from app.engine.sandbox.process import NodeProcess
from app.engine.sandbox.requests import MAX_ATTEMPTS, SandboxRequest


def charge(
    requests: Mapping[int, SandboxRequest], running: int | None, process: NodeProcess, *, once: bool
) -> list[tuple[SandboxRequest, SandboxError]]:
    """Who is to blame, with what each fails. What ran when the process hit a limit; else whatever dies often.

    `once`: see ProcessTraits.
    """
    ran = None if running is None else requests.get(running)
    suspects = list(requests.values()) if ran is None else [ran]
    errors = [(request, _error_of(request, request.id == running, process, once)) for request in suspects]
    return [(request, error) for request, error in errors if error is not None]


def _error_of(request: SandboxRequest, was_running: bool, process: NodeProcess, once: bool) -> SandboxError | None:
    """Why the request is to blame for the end of its process, which counts as an attempt; None: it gets another try."""
    request.attempts += 1
    if process.broke is not None and was_running:
        return SandboxEnded(process.broke)
    if hit_memory_limit(process):
        # What others had left may have filled it, so this is told only from a process without others.
        if (was_running and (once or request.alone or request.ran_out)) or request.attempts > MAX_ATTEMPTS:
            return SandboxMemory("The JavaScript needed more memory than it may use")
        request.ran_out = was_running
        return None
    if (was_running and once) or request.attempts > MAX_ATTEMPTS:
        kind = SandboxEnded if was_running else SandboxError
        return kind(f"The sandbox process ended unexpectedly ({process.returncode})")
    return None


def hit_memory_limit(process: NodeProcess) -> bool:
    """Whether the process has ended because it had no memory left."""
    words = " ".join(process.last_words).lower()
    # V8 aborts at its limit, and says so unless the memory for saying it is missing, too. Node.js aborts as well where
    # an object of its own is misused, and says that an assertion has failed.
    aborted = process.returncode == -signal.SIGABRT and "assertion" not in words
    return "out of memory" in words or "allocation failed" in words or aborted
