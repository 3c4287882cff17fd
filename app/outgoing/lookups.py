"""Looks up the addresses of names beside the loop; a project whose DNS servers never answer delays no other one.

The system's resolver has no deadline of ours, and nothing ends it. So each look-up has a thread of its own rather than
one of the few that the loop keeps for everybody, each project has a few such places, and nobody waits for longer than
SECONDS.
"""

import _thread
import asyncio
import contextlib
import socket
from typing import Any
from weakref import WeakValueDictionary

SECONDS = 30.0
MOST_AT_ONCE = 16
"""Look-ups of one project at the same time, with those that nobody waits for any more."""
MOST_CHARACTERS = 255
"""Of a name, as in DNS."""

_places: WeakValueDictionary[tuple[int, str], asyncio.Semaphore] = WeakValueDictionary()
"""By loop and project, for as long as somebody looks something up."""


async def look_up(host: str, port: int, project: str) -> list[str]:
    """The addresses of a host, in the system's order. Raises OSError (of which TimeoutError is one), UnicodeError."""
    if len(host) > MOST_CHARACTERS:
        raise OSError("The name is too long")
    try:
        return _addresses(host, port, socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass  # a name, then
    loop = asyncio.get_running_loop()
    places = _places.setdefault((id(loop), project), asyncio.Semaphore(MOST_AT_ONCE))
    async with asyncio.timeout(SECONDS):
        await places.acquire()
        answer: asyncio.Future[list[str]] = loop.create_future()
        try:
            _thread.start_new_thread(_look_up, (host, port, loop, answer, places))
        except RuntimeError as error:  # the system has no more of them
            places.release()
            raise TimeoutError from error
        return await answer


def _addresses(host: str, port: int, flags: int = 0) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)]


def _look_up(host: str, port: int, loop: asyncio.AbstractEventLoop, *waiting: Any) -> None:
    found: list[str] | Exception
    try:
        found = _addresses(host, port)
    except Exception as error:
        found = error
    with contextlib.suppress(RuntimeError):  # the loop may be closed by now
        loop.call_soon_threadsafe(_hand_in, found, *waiting)


def _hand_in(found: list[str] | Exception, answer: asyncio.Future[list[str]], places: asyncio.Semaphore) -> None:
    places.release()
    if answer.done():
        return
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)
