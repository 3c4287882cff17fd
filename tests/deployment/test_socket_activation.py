"""The API under deploy/systemd: its socket outlives a restart, so that callers wait and none is refused."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import live

pytestmark = pytest.mark.slow

FIRST_FILE = 3  # where systemd's first socket is
SECONDS = 60


class Systemd:
    """As much of systemd as the units ask for: hold the socket, start the service on it, hear that it is ready."""

    def __init__(self, database_url: str, folder: Path, stack: ExitStack) -> None:
        self.address = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2048))
        self.port = self.address.getsockname()[1]
        self._notices = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self._notices.bind(str(folder / "notify"))
        self._notices.settimeout(SECONDS)
        self._environ = live.environment(
            database_url,
            folder,
            EXECUTIONS_HTTP_WORKERS=1,
            NOTIFY_SOCKET=folder / "notify",
            LISTEN_FDS=1,
            PORT=live.free_port(),
        )
        self._log = stack.enter_context((folder / "api.log").open("ab"))

    def start(self) -> subprocess.Popen[bytes]:
        """Start the service and return once it has said that it is ready."""
        # The shell's process becomes gunicorn's; its number is what LISTEN_PID has to name.
        script = f'exec {FIRST_FILE}<&"$1"; shift; export LISTEN_PID=$$; exec "$@"'
        command = [sys.executable, "-m", "gunicorn", "wsgi:app"]
        process = subprocess.Popen(
            ["bash", "-c", script, "bash", str(self.address.fileno()), *command],
            env=self._environ,
            cwd=live.PROJECT,
            pass_fds=[self.address.fileno()],
            stdout=self._log,
            stderr=self._log,
        )
        while b"READY=1" not in self._notices.recv(4096):
            pass
        return process


@pytest.fixture
def systemd(database_url: str, tmp_path: Path) -> Iterator[Systemd]:
    with ExitStack() as stack:
        yield Systemd(database_url, tmp_path, stack)


def until(ended: threading.Event, call: Callable[[], object], answers: Counter[object]) -> None:
    while not ended.is_set():
        try:
            answers[call()] += 1
        except (OSError, http.client.HTTPException) as error:
            answers[repr(error)] += 1


def test_no_call_is_refused_while_the_service_restarts(systemd):
    def call() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", systemd.port, timeout=SECONDS)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status
        finally:
            connection.close()

    answers: Counter[object] = Counter()
    ended = threading.Event()
    service = systemd.start()
    clients = [threading.Thread(target=until, args=(ended, call, answers)) for _ in range(3)]
    try:
        assert call() == 200
        for client in clients:
            client.start()
        for _ in range(2):
            before = answers[200]
            service.terminate()
            assert service.wait(SECONDS) == 0
            service = systemd.start()
            while answers[200] <= before + 10:
                time.sleep(0.02)
    finally:
        ended.set()
        for client in clients:
            client.join()
        service.terminate()
        service.wait(SECONDS)
    assert set(answers) == {200}
    assert os.waitstatus_to_exitcode(service.returncode) == 0
