"""Why a package process has not answered a call."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.engine.sandbox.errors import SandboxBusy, SandboxComputing, SandboxError, SandboxMemory, SandboxTimeout

MEMORY_SETTING = "EXECUTIONS_PACKAGE_MEMORY_MB"


class HostError(Exception):
    """A package process could not do what was asked: it was ended, or could not be started. Fit for a user."""


class HostTimeout(HostError):
    """A call has taken longer than it may."""


class HostComputing(HostError):
    """A call has computed without a pause for longer than it may."""


class HostBusy(HostError):
    """Other projects have held all processes for longer than a call waits."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What a call may take: seconds in all, and of computing without a pause; MiB of memory.

    `shared`: the executions of a project share processes.
    """

    seconds: float
    silent_seconds: float
    memory_mb: int
    shared: bool


@contextmanager
def raising_host_errors(limits: CallLimits) -> Iterator[None]:
    """Raises what the sandbox raises as a HostError that says what to do."""
    try:
        yield
    except SandboxComputing as error:
        raise HostComputing(
            f"The node computed for more than {limits.silent_seconds:g} seconds without a pause, and was ended"
        ) from error
    except SandboxTimeout as error:
        raise HostTimeout(f"The node did not finish within {limits.seconds:g} seconds") from error
    except SandboxMemory as error:
        raise HostError(
            f"The node needed more memory than it may use: {limits.memory_mb:,} MiB. "
            f"{MEMORY_SETTING} sets how much that is."
        ) from error
    except SandboxBusy as error:
        others = "projects" if limits.shared else "executions"
        raise HostBusy(
            f"Other {others} hold all processes for nodes of packages on this worker: {error}. Try again, or have "
            "EXECUTIONS_PACKAGE_PROCESSES or the number of workers raised."
        ) from error
    except SandboxError as error:
        raise HostError(_words(error)) from error


def _words(error: SandboxError) -> str:
    return str(error).replace("The sandbox process", "The process of the node").replace("The sandbox", "The host")
