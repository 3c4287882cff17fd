"""Child processes: start one, tell when it died, stop it. Knows nothing of what they do.

A child dies with its parent where the system can promise that (Linux with setpriv), so that a killed parent
leaves nothing behind.
"""

import functools
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

LOG_ROTATE_BYTES = 10 * 2**20
"""A log that is longer than this when its process starts is moved aside (one old one is kept)."""
TAIL_LINES = 40
"""How many lines of its log are shown when a process has died."""


class ChildDied(Exception):
    """A child process ended by itself."""


class Child:
    """One running child process whose output goes to a log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | os.PathLike[str]],
        log: Path,
        *,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Start `command` in `folder`, this process's for None.

        A terminal's Ctrl-C does not reach it: its parent decides when it stops.
        """
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _rotate(log)
        self._log_start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = self._launch(command, output, environ, folder)

    def _launch(
        self,
        command: Sequence[str | os.PathLike[str]],
        output: IO[bytes],
        environ: Mapping[str, str] | None,
        folder: Path | None,
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*dies_with_parent(), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=folder,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id; also once it has ended."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raise ChildDied, with the end of its log, when the process has ended."""
        code = self._process.poll()
        if code is None:
            return
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        raise ChildDied(f"{self.name} {how}. The end of {self.log}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The last lines that this process wrote, indented."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            text = file.read().decode(errors="replace")
        return "\n".join(f"    {line}" for line in text.splitlines()[-TAIL_LINES:]) or "    (nothing)"

    def ask_to_stop(self) -> None:
        """Send the stop signal and return at once."""
        if self.running:
            self._process.send_signal(self._stop_signal)

    def stop(self, timeout: float = 30.0) -> int:
        """Ask the process to stop, wait up to `timeout` seconds, then kill it. Returns its exit code."""
        self.ask_to_stop()
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_ROTATE_BYTES:
        log.replace(log.with_suffix(log.suffix + ".1"))


@functools.cache
def dies_with_parent() -> tuple[str, ...]:
    """The prefix of a command that ends it when the process that started it is gone; empty where there is none."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", "TERM", "--")
    works = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    return prefix if works else ()
