"""What has nothing to do with the database: Node.js, traces, disks."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from tempfile import gettempdir

from app.doctor.finding import Finding
from app.engine.sandbox.process import NODE
from app.environment import SettingsError
from app.places import INSTALL_AGAIN, missing_packages
from app.settings import Settings
from app.telemetry.wanted import check_traces

FREE_DISK_BYTES = 2**30
NODE_SECONDS = 30.0


def examine_host(settings: Settings) -> Iterator[Finding]:
    """What has nothing to do with the database."""
    yield from examine_node()
    yield from examine_traces(settings)
    yield from examine_disk(settings)


def examine_node() -> Iterator[Finding]:
    """The Node.js that workers run JavaScript in, and the packages that this program has of npm."""
    try:
        ran = subprocess.run([NODE, "--version"], capture_output=True, text=True, timeout=NODE_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        yield Finding("Node.js", str(error), INSTALL_AGAIN)
        return
    yield Finding("Node.js", ran.stdout.strip())
    if missing := missing_packages():
        yield Finding("JavaScript packages", f"missing: {', '.join(missing)}", INSTALL_AGAIN)


def examine_traces(settings: Settings) -> Iterator[Finding]:
    """Whether API and workers could send the traces that are asked for."""
    if not settings.traces:
        return
    try:
        check_traces(os.environ)
    except SettingsError as error:
        yield Finding("traces", str(error), "correct this setting: the API and the workers do not start with it")
    else:
        yield Finding("traces", "sent by the API and the workers")


def examine_disk(settings: Settings) -> Iterator[Finding]:
    """Room on this machine; PostgreSQL does not tell of its own disk."""
    for subject, folder in (("disk of EXECUTIONS_HOME", settings.home), ("disk of temporary files", gettempdir())):
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            yield Finding(subject, f"{folder}: {error.strerror}", "create the folder, and let this user write to it")
            continue
        if not os.path.isdir(folder):
            yield Finding(subject, f"{folder} is not a folder", "set it to a folder that this user may write to")
            continue
        if not os.access(folder, os.W_OK | os.X_OK):
            yield Finding(subject, f"{folder} cannot be written to", "let this user write to it")
            continue
        advice = (
            "free disk space: large requests, logs and the embedded database are stored there"
            if free < FREE_DISK_BYTES
            else None
        )
        yield Finding(subject, f"{free / 2**30:.1f} GiB free in {folder}", advice)
