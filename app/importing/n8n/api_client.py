"""Sends requests to n8n's public API, and retries while the server is busy or restarting."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any, BinaryIO

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from app.importing.n8n.rows import read_json
from app.importing.n8n.source import SourceError
from app.importing.n8n.wire import Wire

ATTEMPTS = 5
MAX_WAIT = 30.0
"""Seconds between two attempts, where the server does not say how many."""
MAX_WAIT_ASKED = 300.0
"""Seconds, where it does (Retry-After)."""
TOLD_SECONDS = 2.0
"""Pauses from this length on are told."""
SECONDS = 60.0
"""How long nothing may come of an answer."""
HEAD_SECONDS = 120.0
"""How long the head of an answer may take to come to its end."""
SLOWEST = 1024
"""Bytes a second that an answer has to come with, once it has taken that long."""
PAGE = 100
MAX_PAGE_BYTES = 512 * 2**20
"""Of an answer that is read into memory, once it is unpacked."""
MAX_FILE_BYTES = 2 * 2**30
"""Of one that is written to disk. n8n can make no longer text than of half a gigabyte of characters."""
MAX_EMPTY_PAGES = 10
"""How many pages without a row are read of one list, although each says that there are more."""
CODINGS = frozenset({"", "identity", "gzip", "deflate"})
"""Those of which a packet holds no gigabytes: it is unpacked at once."""
FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})

Query = dict[str, str]


class ServerFailed(SourceError):
    """The server answers, but not this: it is overloaded, or fails at what it was asked for."""

    def __init__(self, name: str, path: str, status: int, seconds: float | None) -> None:
        super().__init__(f"{name} does not answer: {path} answers {status}")
        self.status, self.seconds = status, seconds


class N8nClient:
    """The API at an address, with a key. `name` is what it is called, without a password.

    `say` is told where it takes long because the server wants to be asked later. Raises SourceError.
    """

    def __init__(self, url: str, key: str, say: Callable[[str], None]) -> None:
        self.name, self._say = name_of(url), say
        if not key.isascii() or not key.isprintable():
            raise SourceError("The API key has characters that no key of n8n has: is it the right file?")
        base = url.rstrip("/").removesuffix("/api/v1") + "/api/v1"
        self._client = httpx.Client(
            base_url=base, headers={"X-N8N-API-KEY": key, "Accept-Encoding": "gzip, deflate"}, timeout=SECONDS
        )
        self._wire = Wire()
        self._was_reached = False
        self.refused: dict[str, int] = {}
        """Lists that this n8n does not give, each with the status that it answers."""

    def close(self) -> None:
        """Close its connections; it is not used afterwards."""
        self._client.close()
        self._wire.close()

    def get(self, path: str, query: Query, file: BinaryIO | None = None, *, attempts: int = ATTEMPTS) -> httpx.Response:
        """The answer; with `file`, the body of a 200 is written into that. Raises ServerFailed, SourceError."""
        waiting = Retrying(
            stop=stop_after_attempt(attempts),
            wait=_pause,
            retry=retry_if_exception(self._may_pass),
            before_sleep=self._tell_pause,
            reraise=True,
        )
        try:
            return waiting(self._ask, path, query, file)
        except httpx.HTTPError as error:
            raise SourceError(f"{self.name} does not answer: {error}") from error

    def page(self, path: str, query: Query) -> dict[str, Any]:
        """The object that is answered. Raises SourceError."""
        return self.read(path, self.get(path, query))

    def pages(self, path: str, *, optional: bool = False, **query: str) -> Iterator[Any]:
        """The rows of a list; none where `optional` and this n8n does not give them (404, 403
        without a licence, 400 for a status that it does not know). Raises SourceError."""
        cursors = Cursors(self.name, path)
        while True:
            response = self.get(path, {"limit": str(PAGE), **query, **cursors.query()})
            if optional and not cursors.query() and response.status_code in (400, 403, 404):
                self.refused[path] = response.status_code
                return
            page = self.read(path, response)
            yield from page.get("data") or ()
            if not cursors.goes_on(page):
                return

    def read(self, path: str, response: httpx.Response) -> dict[str, Any]:
        """The object in an answer of 200. Raises SourceError for any other."""
        if response.status_code in (401, 403):
            raise SourceError(
                f"{self.name} answers {response.status_code} to {path}: give a key that may list workflows, tags and "
                "executions, in N8N_API_KEY or with --api-key-file"
            )
        if response.is_redirect:
            to = response.headers.get("Location", "")
            raise SourceError(f"{self.name} leads elsewhere, to {to!r:.200}: name the address that n8n itself has")
        try:
            page = read_json(response.content) if response.status_code == 200 else None
        except ValueError:
            page = None
        if not isinstance(page, dict):
            raise SourceError(f"{self.name} answers {response.status_code} to {path}, and not with what n8n answers")
        return page

    def _may_pass(self, error: BaseException) -> bool:
        """Whether to ask again is of use. Where nobody has ever been reached, the address is wrong."""
        if isinstance(error, httpx.ConnectError):
            return self._was_reached
        return isinstance(error, httpx.TransportError | ServerFailed)

    def _tell_pause(self, state: RetryCallState) -> None:
        seconds = state.upcoming_sleep
        if seconds >= TOLD_SECONDS and state.outcome is not None:
            self._say(f"{state.outcome.exception()}. It is asked again in {seconds:.0f} seconds.")

    def _ask(self, path: str, query: Query, file: BinaryIO | None) -> httpx.Response:
        with ExitStack() as stack:
            with self._wire.bounded(HEAD_SECONDS, f"the head of the answer to {path}"):
                asked = self._client.stream("GET", path, params=query, extensions={"trace": self._wire.trace})
                response = stack.enter_context(asked)
            self._was_reached = True
            if response.status_code == 429 or response.is_server_error:
                raise ServerFailed(self.name, path, response.status_code, _asked_to_wait(response))
            if response.headers.get("Content-Encoding", "").strip().lower() not in CODINGS:
                raise SourceError(f"{self.name} answers {path} in a content coding that was not asked for")
            if file is None or response.status_code != 200:
                return self._read(path, response)
            file.seek(0)
            file.truncate()
            parts = stack.enter_context(closing(self._parts(path, response)))
            for part in parts:
                if file.tell() + len(part) > MAX_FILE_BYTES:
                    raise SourceError(f"{self.name} answers {path} with more than {MAX_FILE_BYTES:,} bytes")
                file.write(part)
            return response

    def _parts(self, path: str, response: httpx.Response) -> Generator[bytes]:
        """The parts of a body. Raises ReadTimeout for one that would keep the import for days."""
        with self._wire.paced(SECONDS, SLOWEST, path) as count:
            for part in response.iter_bytes():
                count(len(part))
                yield part

    def _read(self, path: str, response: httpx.Response) -> httpx.Response:
        """The response with its content, unpacked. Raises SourceError for too much of it."""
        content = bytearray()
        with closing(self._parts(path, response)) as parts:
            for part in parts:
                content += part
                if len(content) > MAX_PAGE_BYTES:
                    raise SourceError(f"{self.name} answers {path} with more than {MAX_PAGE_BYTES:,} bytes")
        headers = [(name, value) for name, value in response.headers.multi_items() if name not in FRAMING]
        return httpx.Response(response.status_code, headers=headers, content=bytes(content))


class Cursors:
    """Where the next page of a list begins. Raises SourceError for a list that leads back to itself."""

    def __init__(self, name: str, path: str) -> None:
        self._name, self._path = name, path
        self._cursor: str | None = None
        self._seen: set[str | bytes] = set()
        self._empty = 0

    def query(self) -> Query:
        """The query of the next page; empty for the first one."""
        return {"cursor": self._cursor} if self._cursor else {}

    def goes_on(self, page: dict[str, Any]) -> bool:
        """Whether there is a page after this one; it is the next one then."""
        cursor, rows = page.get("nextCursor"), page.get("data")
        if not isinstance(cursor, str) or not cursor:
            return False
        self._empty += not rows
        ids = [row.get("id") for row in rows or () if isinstance(row, dict) and isinstance(row.get("id"), str | int)]
        seen: set[str | bytes] = {cursor}
        if ids:
            seen.add(blake2b(repr(ids).encode(errors="replace")).digest())
        if seen & self._seen or self._empty > MAX_EMPTY_PAGES:
            raise SourceError(
                f"{self._name} gives the same page of {self._path} again and again: it is not a list of n8n"
            )
        self._seen |= seen
        self._cursor = cursor
        return True


def name_of(url: str) -> str:
    """What the source is called, without a password. Raises SourceError."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:  # its message may hold the password
        raise SourceError("SOURCE is not the address of an n8n. It looks like https://n8n.example.com") from None
    return f"the API of {address.copy_with(userinfo=b'', query=None, fragment=None)}"


def _pause(state: RetryCallState) -> float:
    """Seconds until the next attempt."""
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, ServerFailed) and error.seconds is not None:
        return min(error.seconds, MAX_WAIT_ASKED)
    return wait_exponential(max=MAX_WAIT)(state)


def _asked_to_wait(response: httpx.Response) -> float | None:
    """The seconds of Retry-After, which is a number or a date; None without."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text).astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
