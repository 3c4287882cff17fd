"""How much memory the process takes that answers for a server."""

import resource
from pathlib import Path

from tests.live import LiveServer

PAGE = resource.getpagesize()


def answering_process(server: LiveServer) -> int:
    """The one process of gunicorn's that answers."""
    (pid,) = Path(f"/proc/{server.child.pid}/task/{server.child.pid}/children").read_text().split()
    return int(pid)


def peak_bytes(pid: int) -> int:
    """The most memory that the process held since the last `forget_peak`."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def forget_peak(pid: int) -> int:
    """Let the peak be what the process holds now; returns that."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak_bytes(pid)


def resident_bytes(pid: int) -> int:
    """The memory that the process holds now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
