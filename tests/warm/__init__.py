"""Processes of the program that begin with it loaded.

Loading takes a second of a processor, and tests start hundreds of APIs, workers and commands. So each is forked from
one process, tests/warm/nursery.py, that has loaded the program and done nothing else. From there on it is what it would
be: a session, an environment, files, signals and an end of its own. That the program starts from nothing as well is
tried by tests that start it as a person does: `make run`, the package, the guides, a rolling restart.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from app.processes import Child

PROJECT = Path(__file__).resolve().parent.parent.parent
OWN = ("EXECUTIONS_", "DATABASE_", "PORT", "HOST")
READ_LATE = (*OWN, "GUNICORN_", "N8N_", "OTEL_", "PYTEST_", "PYTHONUNBUFFERED", "PYTHONDONTWRITE", "npm_config_")
"""How the variables begin that nothing reads while it is loaded; each process may have others of these."""
SANDBOXES_WHEN_NEEDED = "PYTEST_SANDBOXES_WHEN_NEEDED"
"""The environment variable with which a worker starts a process for JavaScript when something asks for it, and none
ahead of that: most tests run no JavaScript."""
COLD_STARTS = "PYTEST_COLD_STARTS"
"""The environment variable with which nothing is forked: what is measured starts as people start it."""
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""What the nursery begins with, whatever a test sets meanwhile."""


class Warm:
    """A process that was forked from the nursery, used like subprocess.Popen."""

    def __init__(
        self,
        command: Sequence[str | os.PathLike[str]],
        output: IO[Any],
        errors: IO[Any],
        environ: Mapping[str, str],
        folder: Path | None,
    ) -> None:
        """Run `command`, as `may_be_warm` wants it, in `folder`, this process's for None."""
        self.returncode: int | None = None
        self._lock = threading.Lock()
        status, told = os.pipe()
        self._status = os.fdopen(status, "rb", buffering=0)
        arguments = [str(each) for each in command[2:]]
        request = {"arguments": arguments, "environ": dict(environ), "folder": str(folder or Path.cwd())}
        try:
            _nursery().send(json.dumps(request).encode(), [output.fileno(), errors.fileno(), told])
        finally:
            os.close(told)
        self.pid = self._read()

    def _read(self) -> int:
        """The next that the nursery tells of this process: its number, and then how it has ended."""
        line = self._status.readline()
        if not line:
            raise ChildProcessError("the process is gone that others are forked from")
        return int(line)

    def poll(self) -> int | None:
        """The exit code, -N for one that signal N has killed, None while it runs."""
        return self._ended(0)

    def _ended(self, seconds: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._status], [], [], seconds)[0]:
                self.returncode = self._read()
                self._status.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("a warm process", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing where it has ended, of which the nursery may not have told yet."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class WarmChild(Child):
    """A child that begins with the program loaded."""

    def _launch(self, command, output, environ, folder):  # type: ignore[no-untyped-def]
        if environ is None or not may_be_warm(command, environ):
            return super()._launch(command, output, environ, folder)
        return Warm(command, output, output, environ, folder)


def may_be_warm(command: Sequence[str | os.PathLike[str]], environ: Mapping[str, str]) -> bool:
    """Whether it runs a module with this Python, and has nothing in its environment that counts before that runs."""

    def early(variables: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in variables.items() if not name.startswith(READ_LATE)}

    if os.environ.get(COLD_STARTS):
        return False
    return list(command[:2]) == [sys.executable, "-m"] and early(environ) == early(ENVIRON)


class Nursery:
    """The process that others are forked from; it ends with this one. All processes of a test run may connect to it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="warm-")
        self.address = f"{self._folder.name}/asked"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._held, theirs = socket.socketpair()
        with listener, theirs:
            listener.bind(self.address)
            listener.listen()
            passed = [theirs.fileno(), listener.fileno()]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm.nursery", *map(str, passed)],
                cwd=PROJECT,
                env=ENVIRON,
                stdin=subprocess.DEVNULL,
                pass_fds=passed,
                start_new_session=True,
            )
        atexit.register(self.close)

    def close(self) -> None:
        self._held.close()
        self._process.wait()
        self._folder.cleanup()


class Connection:
    """This process's way to ask a nursery; what it has asked for is told to go when it ends."""

    def __init__(self, address: str) -> None:
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
        self._channel.connect(address)

    def send(self, request: bytes, files: list[int]) -> None:
        socket.send_fds(self._channel, [request], files)


_address: str | None = None
_one: Connection | None = None
_starting = threading.Lock()


def share(address: str | None = None) -> str:
    """The address of the nursery of this test run: that which another process has started, or one of this process."""
    global _address
    _address = _address or address or Nursery().address
    return _address


def _nursery() -> Connection:
    """A connection to that of this test run, made when it is first asked for."""
    global _one
    with _starting:
        _one = _one or Connection(share())
        return _one
