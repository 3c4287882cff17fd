"""The keys of this installation: one that is used, and earlier ones that are still accepted.

They come from the environment, or from a file in the home folder that is made at first use: one key a line, the one
that is used first. The file is read again when it has changed, so that a running process takes up a new key.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings

KEY_FILE = "encryption-key"
MIN_LENGTH, MIN_DIFFERENT = 16, 6
"""Characters of a key, and different ones among them, below which it could be guessed."""
GUESSABLE = f"shorter than {MIN_LENGTH} characters, or made of fewer than {MIN_DIFFERENT} different ones"
NO_KEY = "The file holds no key: put back the one that credentials were encrypted with"


@dataclass(frozen=True, slots=True)
class Key:
    """A key; its `id` tells it from others and tells nothing of it."""

    text: str
    id: str

    @classmethod
    def of(cls, text: str) -> "Key":
        """The key of this text, with its id."""
        return cls(text, hashlib.sha256(b"executions key id" + text.encode()).hexdigest()[:16])

    @property
    def is_guessable(self) -> bool:
        """Whether somebody may find it by trying: whoever has one signed address, or the database, can try them all."""
        return len(self.text) < MIN_LENGTH or len(set(self.text)) < MIN_DIFFERENT


class Keyring:
    """All keys of this installation."""

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home
        self._path = settings.home / KEY_FILE
        self._given: tuple[Key, ...] = ()
        if settings.encryption_key is not None:
            self._given = tuple(map(Key.of, dict.fromkeys((settings.encryption_key, *settings.encryption_keys_old))))
        self._kept: tuple[tuple[int, int], tuple[Key, ...]] = ((0, 0), ())

    @property
    def in_file(self) -> bool:
        """Whether the keys are kept in the home folder, where this program may add one."""
        return not self._given

    def is_there(self) -> bool:
        """Whether there is a key already, and none has to be made."""
        return bool(self._given) or self._path.exists()

    def accepted_keys(self) -> tuple[Key, ...]:
        """All keys, the one to use first. Raises OSError when the file can neither be read nor made."""
        if self._given:
            return self._given
        path = self._path
        try:
            status = os.stat(path)
        except FileNotFoundError:
            write_first(self._home, new_key())
            status = os.stat(path)
        version = (status.st_ino, status.st_mtime_ns)
        if self._kept[0] != version:
            try:
                lines = filter(None, map(str.strip, path.read_text("utf-8").splitlines()))
            except UnicodeDecodeError:
                raise OSError(errno.EINVAL, NO_KEY, str(path)) from None
            self._kept = (version, tuple(map(Key.of, dict.fromkeys(lines))))
        if not self._kept[1]:
            raise OSError(errno.EINVAL, NO_KEY, str(path))
        return self._kept[1]

    def current(self) -> Key:
        """The key to use."""
        return self.accepted_keys()[0]

    def add(self) -> Key:
        """Make a new key and use it from now on; the others stay accepted. For keys in the file only."""
        made = Key.of(new_key())
        written = "".join(f"{key.text}\n" for key in (made, *self.accepted_keys()))
        owner = self._path.stat()
        with written_beside(self._home, written) as name:
            if owner.st_uid != os.geteuid():  # root keeps it readable for whom it was made for
                os.chown(name, owner.st_uid, owner.st_gid)
            os.replace(name, self._path)
        return made


def new_key() -> str:
    """A key that nobody can guess."""
    return secrets.token_urlsafe(32)


def write_first(home: Path, key: str) -> None:
    """Make the file (mode 0600) unless it is there; processes that start at once agree on one key."""
    home.mkdir(parents=True, exist_ok=True)
    with written_beside(home, f"{key}\n") as name, contextlib.suppress(FileExistsError):
        os.link(name, home / KEY_FILE)


@contextlib.contextmanager
def written_beside(home: Path, text: str) -> Iterator[str]:
    """A file with this text, safe on disk; gone at the end unless it was moved."""
    descriptor, name = tempfile.mkstemp(dir=home, prefix=f".{KEY_FILE}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield name
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
