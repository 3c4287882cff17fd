"""One folder of the disk, and nothing outside of it: which files a pattern means, their bytes, and new ones.

Knows paths and patterns, no node. Symbolic links that lead out of the folder are not followed.
"""

import fnmatch
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile

MAX_BYTES = 64 * 2**20
"""Of one file that is read, or written."""
MAX_ENTRIES = 20_000
"""Of the folder, which are looked at for one pattern."""
MAX_FOUND = 1_000
MAX_CHOICES = 100
"""Patterns that one with {a,b} stands for."""
MAX_LENGTH = 4_096
_BRACES = re.compile(r"\{([^{}]*+)\}")


class NotAllowed(Exception):
    """The path lies outside of the folder, or is no file that may be read or written; the message says why."""


class Folder:
    """The folder at `root`, an absolute path; made where it is not there yet. Raises OSError."""

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self._root = Path(os.path.realpath(root))
        self._named = root

    def find(self, selector: str, *, literal_brackets: bool) -> list[Path]:
        """The files that a path or pattern means, in order. Raises NotAllowed."""
        if len(selector) > MAX_LENGTH:
            raise NotAllowed("Access to the file is not allowed.")
        if not _is_pattern(selector, literal_brackets):
            path = self._inside(selector)
            return [path] if path.is_file() else []
        paths: dict[Path, None] = {}
        for pattern in _choices(selector):
            parts = self._parts(pattern)
            for path in self._walk_files():
                if _fits(path.relative_to(self._root).parts, parts, literal_brackets):
                    paths[path] = None
                    if len(paths) > MAX_FOUND:
                        raise NotAllowed(f"More than {MAX_FOUND:,} files fit '{selector}'")
        return list(paths)

    def read(self, path: Path) -> bytes:
        """Raises NotAllowed, OSError."""
        # What waits for a writer (a pipe) must not be waited for.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise NotAllowed(f"'{path.name}' is not a file")
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise NotAllowed(f"'{path.name}' is larger than {MAX_BYTES:,} bytes, the most that one file may have")
        return content

    def write(self, name: str, content: bytes, *, append: bool) -> None:
        """Write a file whole, or nothing of it. Raises NotAllowed, OSError."""
        path = self._inside(name)
        before = self.read(path) if append and path.exists() else b""
        if len(before) + len(content) > MAX_BYTES:
            raise NotAllowed(f"'{path.name}' would be larger than {MAX_BYTES:,} bytes, the most that one file may have")
        if path.is_dir():
            raise NotAllowed("The file path was expected but the given path is a directory")
        with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            try:
                file.write(before + content)
                file.flush()
                os.chmod(file.name, 0o644)
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise

    def _inside(self, name: str) -> Path:
        """The real path that a name means. Raises NotAllowed for one outside of the folder."""
        if not name or len(name) > MAX_LENGTH or "\0" in name:
            raise NotAllowed("Access to the file is not allowed.")
        path = Path(os.path.realpath(self._root / name))
        if not path.is_relative_to(self._root) or path == self._root:
            raise NotAllowed("Access to the file is not allowed.")
        return path

    def _parts(self, pattern: str) -> list[str]:
        """The parts of a pattern below the folder. Raises NotAllowed for one that begins outside of it."""
        for root in {str(self._named), str(self._root)}:
            if pattern.startswith(f"{root}/"):
                pattern = pattern[len(root) + 1 :]
                break
        parts = [part for part in pattern.split("/") if part not in ("", ".")]
        if pattern.startswith("/") or ".." in parts:
            raise NotAllowed("Access to the file is not allowed.")
        return parts

    def _walk_files(self) -> Iterator[Path]:
        """All files of the folder, those of a folder before those of the folders in it."""
        seen = 0
        due = [self._root]
        while due:
            with os.scandir(due.pop(0)) as entries:
                each = sorted(entries, key=lambda entry: entry.name)
            for entry in each:
                seen += 1
                if seen > MAX_ENTRIES:
                    raise NotAllowed(f"The folder has more than {MAX_ENTRIES:,} files: say which are meant")
                if entry.is_dir(follow_symlinks=False):
                    due.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    yield Path(entry.path)


def _is_pattern(selector: str, literal_brackets: bool) -> bool:
    signs = "*?{" if literal_brackets else "*?{[("
    return any(sign in selector for sign in signs)


def _choices(pattern: str) -> list[str]:
    """The patterns that one with {a,b} stands for."""
    due, made = [pattern], []
    while due:
        each = due.pop(0)
        choice = next((braces for braces in _BRACES.finditer(each) if "," in braces[1]), None)
        if choice is None:
            made.append(each)
        else:
            due += [each[: choice.start()] + option + each[choice.end() :] for option in choice[1].split(",")]
        if len(due) + len(made) > MAX_CHOICES:
            raise NotAllowed(f"'{pattern}' stands for more than {MAX_CHOICES} patterns")
    return made


def _fits(names: tuple[str, ...], parts: list[str], literal_brackets: bool) -> bool:
    """Whether the parts of a path fit those of a pattern, in which ** stands for any folders."""
    # Which prefixes of the pattern fit what was looked at so far: linear in both.
    states = {0}
    for name in names:
        following: set[int] = set()
        for state in _with_skipped(states, parts):
            if state < len(parts) and parts[state] == "**" and not name.startswith("."):
                following.add(state)
            elif state < len(parts) and _name_fits(name, parts[state], literal_brackets):
                following.add(state + 1)
        states = following
    return len(parts) in states or (bool(parts) and parts[-1] == "**" and len(parts) - 1 in states)


def _with_skipped(states: set[int], parts: list[str]) -> set[int]:
    """The states, and those that begin where a ** stands for nothing."""
    made = set(states)
    for state in sorted(states):
        while state < len(parts) and parts[state] == "**":
            state += 1
            made.add(state)
    return made


def _name_fits(name: str, part: str, literal_brackets: bool) -> bool:
    if name.startswith(".") and not part.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, part.replace("[", "[[]") if literal_brackets else part)
