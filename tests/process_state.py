"""What Linux says of a process."""

from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether it is there and has not ended: one that nobody has waited for yet is no more than its number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
