"""The folders that packages are installed in: `EXECUTIONS_HOME/packages/NAME@VERSION`, each whole or not there.

A package is put together in a folder beside them and then renamed, so that whoever is killed meanwhile leaves nothing
that looks like a package. Processes of one machine share the folders; a lock lets one of them change them at a time.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = "packages"
LOCK = "package-lock.json"
UNFINISHED = ".new-"
NAME = re.compile(r"(?:@[a-z0-9~][a-z0-9._~-]{0,100}/)?[a-z0-9~][a-z0-9._~-]{0,100}")
"""What npm calls a package, with the name of its organisation before it."""
VERSION = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(?:[-+][0-9A-Za-z.+-]{1,100})?")
"""An exact version."""
_FOLDER = re.compile(rf"({NAME.pattern})@({VERSION.pattern})")


class InUse(Exception):
    """Another process of this machine is changing the folders."""


class Store:
    """The installed packages of one machine."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER

    @property
    def root(self) -> Path:
        """Where all of them are."""
        return self._folder

    def folder(self, name: str, version: str) -> Path:
        """Where this version of a package is, or would be, with its node_modules. Raises ValueError for odd names."""
        if not NAME.fullmatch(name) or not VERSION.fullmatch(version):
            raise ValueError(f"{name}@{version} is not a package with an exact version")
        return self._folder / f"{name}@{version}"

    def package(self, name: str, version: str) -> Path:
        """The folder of the package itself, with its package.json."""
        return self.folder(name, version) / "node_modules" / name

    def has(self, name: str, version: str, lock: str) -> bool:
        """Whether this version is installed from this lock."""
        try:
            return (self.folder(name, version) / LOCK).read_text("utf-8") == lock
        except FileNotFoundError:
            return False

    def installed(self) -> list[tuple[str, str]]:
        """Name and version of each package that is installed here, in order."""
        paths = [*self._folder.glob("*@*"), *self._folder.glob("@*/*@*")]
        names = [str(path.relative_to(self._folder)) for path in paths if path.is_dir()]
        return sorted(match.group(1, 2) for name in names if (match := _FOLDER.fullmatch(name)))  # type: ignore[misc]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change the folders while nobody else on this machine does. Raises InUse at once, for a later attempt.

        Removes what killed processes have left, and what was kept no longer: of a large package that takes long.
        """
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InUse("Another process of this machine is installing a package") from None
            self._clear()
            try:
                yield
            finally:
                self._clear()

    @contextmanager
    def new_folder(self) -> Iterator[Path]:
        """An empty folder to put a package together in; it is gone afterwards, unless it was kept."""
        folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self._folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, folder: Path, name: str, version: str) -> None:
        """While changing the folders: let a new one be this version of the package, in the place of what is there."""
        place = self.folder(name, version)
        place.parent.mkdir(mode=0o755, exist_ok=True)
        folder.chmod(0o755)  # what is in it is public, and who reads it may be a user without any rights
        with suppress(FileNotFoundError):
            os.rename(place, folder.with_name(f"{folder.name}-old"))
        os.rename(folder, place)

    def drop(self, name: str, version: str) -> None:
        """Remove this version of a package, if it is there."""
        with suppress(FileNotFoundError), self.new_folder() as aside:
            os.rename(self.folder(name, version), aside / "old")

    def _clear(self) -> None:
        """Remove what a killed process has left behind."""
        for left in self._folder.glob(f"{UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)
