"""The files in which the processes of one API keep their Prometheus figures, so that any of them answers for all.

prometheus_client writes to them through memory: on a full disk that would end the process with SIGBUS. So each
process gets its files with their room taken beforehand, or counts for itself alone.
"""

import logging
import os
import shutil
import sys
from pathlib import Path

log = logging.getLogger(__name__)

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus_client when it is imported, for whoever imports it and all that are forked from there."""

KINDS = ("counter", "histogram")
FILE_BYTES = 2**20
"""As prometheus_client begins a file; ours stay far below."""


def clear(folder: Path) -> None:
    """Forget the figures of processes that are gone. Without a folder to write to, each process counts alone."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        os.environ[VARIABLE] = str(folder)
    except OSError as error:
        _count_alone(folder, error)


def reserve(folder: Path, pid: int) -> None:
    """Take the room for one process's files. Called in that process, before it counts anything."""
    if VARIABLE not in os.environ:
        return
    try:
        for kind in KINDS:
            with (folder / f"{kind}_{pid}.db").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, FILE_BYTES)
    except OSError as error:
        for kind in KINDS:
            (folder / f"{kind}_{pid}.db").unlink(missing_ok=True)
        _count_alone(folder, error)


def _count_alone(folder: Path, error: OSError) -> None:
    os.environ.pop(VARIABLE, None)
    if "prometheus_client" in sys.modules:
        from prometheus_client import values

        values.ValueClass = values.MutexValue  # what it would have chosen without the variable
    log.error(
        "figures of this process are not shared: /metrics tells of whichever process answers",
        extra={"folder": str(folder), "reason": error.strerror, "advice": "make room in EXECUTIONS_HOME, then restart"},
    )
