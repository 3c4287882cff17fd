"""The process that has loaded the program and forks another of itself for each request, until its starter is gone.

It is asked over connections to a listening socket. A request is one message: JSON with the arguments (a module first,
as after `python -m`), the environment and the folder, and three files: for what it prints, for its errors, and for what
is told of it, a line each: its process's number, and when it has ended, its exit code. What was forked for a connection
is told to go when that closes.
"""

import atexit
import ctypes
import gc
import importlib
import json
import logging
import os
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress
from importlib.metadata import entry_points
from typing import NamedTuple

from tests.warm import SANDBOXES_WHEN_NEEDED

MAX_REQUEST_BYTES = 2**20
PR_SET_PDEATHSIG = 1
LOADED = (
    "app.api.face.document",
    "app.doctor",
    "app.http.malformed",
    "app.http.streaming",
    "app.outgoing.authentication",
    "app.outgoing.proxies",
    "app.up",
    "app.web",
    "app.worker",
    "yoyo",
)


def load() -> None:
    """Load what an API, a worker and a command load, also what they load late."""

    from app.commands import main
    from app.engine import nodes
    from app.engine.sandbox import program

    for name in LOADED:
        importlib.import_module(name)
    for command in entry_points(group="flask.commands"):
        command.load()
    for each in main.commands.values():
        each.load()
    nodes.load()
    program.descriptor()
    gc.collect()
    gc.freeze()  # to look at it would copy it into each process


def start_sandboxes_when_needed() -> None:
    """Let workers start a process for JavaScript when something asks for it: most tests run none."""
    from app.engine.sandbox.pool import Pool
    from app.engine.sandbox.sandbox import Sandbox

    async def start(pool: Pool, mode: str) -> None:
        """See `Pool.start`."""

    defaults = Sandbox.__init__.__kwdefaults__
    assert defaults is not None
    assert "spares" in defaults
    defaults["spares"] = 0
    Pool.start = start  # type: ignore[method-assign]


class Forked(NamedTuple):
    """Where its end is told, and who asked for it."""

    status: int
    channel: socket.socket


def serve(starter: socket.socket, listener: socket.socket) -> None:
    """Fork what is asked for. Returns where a new process begins, too: its module runs to the end before that."""
    woken, wake = os.pipe()
    for file in (woken, wake):
        os.set_blocking(file, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    forked: dict[int, Forked] = {}
    channels: list[socket.socket] = []
    while True:
        ready = select.select([starter, listener, woken, *channels], [], [])[0]
        if starter in ready:
            return
        if woken in ready:
            os.read(woken, MAX_REQUEST_BYTES)
            tell_ends(forked)
        if listener in ready:
            channels.append(listener.accept()[0])
        for channel in [each for each in channels if each in ready]:
            request, files, _, _ = socket.recv_fds(channel, MAX_REQUEST_BYTES, 3)
            if not request:
                channels.remove(channel)
                channel.close()
                for pid in [pid for pid, each in forked.items() if each.channel is channel]:
                    os.kill(pid, signal.SIGTERM)
                continue
            output, errors, status = files
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for each in (starter, listener, *channels):
                    each.close()
                for file in (woken, wake, status, *(each.status for each in forked.values())):
                    os.close(file)
                become(output, errors, **json.loads(request))
                return
            os.close(output)
            os.close(errors)
            forked[pid] = Forked(status, channel)
            tell(status, pid)


def tell(status: int, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody wants to know
        os.write(status, b"%d\n" % number)


def tell_ends(forked: dict[int, Forked]) -> None:
    """Tell of each process that has ended how that was."""
    with suppress(ChildProcessError):  # none is left
        while True:
            pid, how = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            status = forked.pop(pid).status
            tell(status, os.waitstatus_to_exitcode(how))
            os.close(status)


def become(output: int, errors: int, *, arguments: list[str], environ: dict[str, str], folder: str) -> None:
    """Be a process of its own, and run a module as `python -m` does."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    for number, file in ((1, output), (2, errors)):
        os.dup2(file, number)
        os.close(file)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    count_where_gunicorn_does(arguments[0])
    if SANDBOXES_WHEN_NEEDED in environ:
        start_sandboxes_when_needed()
    sys.argv = arguments
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        leaving.code = 0
    except SystemExit as ended:
        leaving.code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        raise
    except KeyboardInterrupt:
        leaving.code = -signal.SIGINT
        raise


class Leaving:
    """How a forked process ends: as any does, up to where Python would take apart all that was loaded.

    By then its threads have ended and what was registered for the end has run. The rest would copy into the process
    the memory that it shares with this one, only to give it back.
    """

    def __init__(self) -> None:
        self.code = 1
        """The exit code, -SIGINT for who was interrupted; at first what an error gives that nobody has caught."""
        self._own = os.getpid()
        atexit.register(self._end)  # before anything else is: the last to be called

    def _end(self) -> None:
        if os.getpid() == self._own:
            return
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        if self.code == -signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(self.code)


def count_where_gunicorn_does(module: str) -> None:
    """Let prometheus_client choose anew where figures are kept, as it did when it was loaded: files are gunicorn's."""
    from prometheus_client import values

    values.ValueClass = values.MultiProcessValue() if module == "gunicorn" else values.MutexValue


if __name__ == "__main__":
    leaving = Leaving()
    load()
    with socket.socket(fileno=int(sys.argv[1])) as starter, socket.socket(fileno=int(sys.argv[2])) as listener:
        serve(starter, listener)
