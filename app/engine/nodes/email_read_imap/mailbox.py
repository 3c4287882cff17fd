"""One mailbox on an IMAP server, over a connection that was made to an allowed address.

Its methods block and are called in a thread of the connection's own. They raise NodeError. Knows no node.
"""

import asyncio
import contextlib
import imaplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from app.engine.nodes.shared.connection_errors import hide_password
from app.engine.run.computing import compute
from app.engine.run.errors import NodeError

T = TypeVar("T")
SECONDS = 60.0
"""How long the server may say nothing while an answer is awaited."""
WORK_SECONDS = 900.0
"""How long it may take for what is asked in one go, as the mails of one execution, however often it says a little."""
MAX_BYTES, MAX_LINES_BYTES = 32 * 2**20, 4 * 2**20
"""Of the answers to one command, whatever the server says of their size: texts, and the lines around them."""
LINE_BYTES = 64
"""What a line takes beside its text."""


class SocketClient(IMAPClient):  # type: ignore[misc]
    """imapclient's, over a socket that is there already."""

    def __init__(self, connection: Any, host: str) -> None:
        self._connection = connection
        super().__init__(host, ssl=False, timeout=SECONDS)

    def has_news(self) -> bool:
        """Whether an answer since the last call told of new messages: a server may add that to any of them."""
        return bool(self._imap.response("EXISTS")[1] != [None])

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return Protocol(self._connection)


class Protocol(imaplib.IMAP4):
    """Python's own, over that socket, and with a bound to what it reads at once."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._read = self._lines = 0
        super().__init__()

    def _create_socket(self, timeout: float | None) -> Any:
        return self._connection

    # All that comes until the next command is kept, asked for or not.

    def read(self, size: int) -> bytes:
        """At most `size` bytes. Raises `abort` once the answers to a command have more than MAX_BYTES."""
        self._read += size
        if self._read > MAX_BYTES:
            raise self.abort(f"an answer of more than {MAX_BYTES:,} bytes is too large")
        return super().read(size)

    def readline(self) -> bytes:
        """A line. Raises `abort` once the lines of an answer have more than MAX_LINES_BYTES."""
        line = super().readline()
        self._lines += len(line) + LINE_BYTES
        if self._lines > MAX_LINES_BYTES:
            raise self.abort(f"lines of more than {MAX_LINES_BYTES:,} bytes are too many for an answer")
        return line

    def _new_tag(self) -> bytes:
        self._read = self._lines = 0
        return super()._new_tag()  # type: ignore[misc,no-any-return]


class Mailbox:
    """The folder that is open. `abort` may be called from another thread."""

    def __init__(self, connection: Any, host: str, context: ssl.SSLContext | None) -> None:
        """`connection` is a socket; `context` says how it is encrypted, None: not at all."""
        self._socket = connection
        self._host = host
        self._context = context
        self._client: SocketClient | None = None
        self._password = ""
        self.validity = 0
        """Numbers of messages mean nothing any more when this one has changed."""

    def open(self, user: str, password: str, folder: str) -> None:
        """Log in and open the folder."""
        self._password = password
        with _failures(password):
            self._socket.settimeout(SECONDS)
            if self._context is not None:
                self._socket = self._context.wrap_socket(self._socket, server_hostname=self._host)
            self._client = SocketClient(self._socket, self._host)
            self._client.login(user, password)
            chosen = self._client.select_folder(folder)
            self.validity = int(chosen.get(b"UIDVALIDITY", 0))

    def find(self, criteria: Sequence[Any], after: int | None) -> list[int]:
        """The numbers of the messages that fit, in order; those behind `after`, where it is given."""
        wanted = [*criteria, *(["UID", f"{after + 1}:*"] if after is not None else [])]
        with _failures(self._password):
            self._open.has_news()
            uids = sorted(self._open.search(wanted, "UTF-8" if not _is_ascii(wanted) else None))
        return [number for number in uids if after is None or number > after]

    def sizes(self, numbers: Sequence[int]) -> dict[int, int]:
        """The bytes of each message, by what the server says."""
        with _failures(self._password):
            fetched = self._open.fetch(numbers, ["RFC822.SIZE"])
            return {number: int(fetched.get(number, {}).get(b"RFC822.SIZE", 0)) for number in numbers}

    def read(self, number: int, *, head_only: bool = False) -> bytes | None:
        """A message as it was sent, without marking it; None for one that is gone."""
        part = "HEADER" if head_only else ""
        with _failures(self._password):
            fetched = self._open.fetch([number], [f"BODY.PEEK[{part}]"]).get(number, {})
        content = fetched.get(f"BODY[{part}]".encode())
        return content if isinstance(content, bytes) else None

    def mark_seen(self, numbers: Sequence[int]) -> None:
        """Set the flag \\Seen of these messages. Raises NodeError when the server refuses or is gone."""
        with _failures(self._password):
            self._open.add_flags(list(numbers), [rb"\Seen"], silent=True)

    def wait(self, seconds: float) -> None:
        """Until the server tells of something, or the time is up; not at all when it has done so since `find`."""
        with _failures(self._password):
            if self._open.has_news():
                return
            self._open.idle()
            try:
                self._open.idle_check(timeout=seconds)
            finally:
                self._open.idle_done()

    def refresh(self) -> None:
        """Let the server show what has come since: some do so only then."""
        with _failures(self._password):
            self._open.noop()

    @property
    def idles(self) -> bool:
        """Whether the server tells of new messages by itself."""
        return bool(self._open.has_capability("IDLE"))

    def abort(self) -> None:
        """Cut the connection; what waits for it fails at once."""
        with contextlib.suppress(OSError, ValueError):
            self._socket.shutdown(2)
        with contextlib.suppress(OSError):
            self._socket.close()

    @property
    def _open(self) -> SocketClient:
        if self._client is None:
            raise NodeError("The mailbox is not open")
        return self._client


class OwnThread:
    """Lets a mailbox do its blocking work beside the loop; whoever is cancelled cuts it short, waiting or computing.
    So does the end of WORK_SECONDS."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def __call__(self, work: Callable[[], T]) -> T:
        """The result of `work`, which blocks; cancelled, it ends the mailbox's connection first. Raises NodeError."""
        try:
            async with asyncio.timeout(WORK_SECONDS):
                return await self._cut_short(work)
        except TimeoutError:
            raise NodeError(f"The mail server has failed: it took longer than {WORK_SECONDS:g} seconds") from None

    async def _cut_short(self, work: Callable[[], T]) -> T:
        try:
            return await compute(work)
        except asyncio.CancelledError:
            self._mailbox.abort()
            raise

    def close(self) -> None:
        """Cut the connection."""
        self._mailbox.abort()


def _is_ascii(wanted: Sequence[Any]) -> bool:
    return str(wanted).isascii()


@contextmanager
def _failures(secret: str) -> Iterator[None]:
    """What goes wrong as NodeError, never with the password in it."""
    try:
        yield
    except LoginError as error:
        raise NodeError(f"The mail server refused the login: {_text(error, secret)}") from None
    except (IMAPClientError, imaplib.IMAP4.error, OSError, ValueError) as error:
        raise NodeError(f"The mail server has failed: {_text(error, secret)}") from None
    except RecursionError:
        raise NodeError("The mail server has failed: its answer is nested too deeply") from None
    except NodeError:
        raise
    except Exception:  # the library takes much of an answer's shape for granted
        raise NodeError("The mail server has failed: its answer cannot be read") from None


def _text(error: Exception, secret: str) -> str:
    return hide_password(str(error) or type(error).__name__, secret)
