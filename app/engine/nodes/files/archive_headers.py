"""Bounds of what archives say of the files in them, before Python's libraries read it.

What is known of each file takes a KiB in memory, and packed next to nothing. Headers of tar archives are looked
through by a regular expression that, in some versions of Python, takes the square of the time for many digits.
"""

import re
import tarfile
from typing import Any

MAX_ENTRIES = 100_000
"""Of one archive, folders included."""
MAX_HEADER_BYTES = 2**17
"""Of a further header, which holds a long name or other facts of one file."""
_FURTHER = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_MANY_DIGITS = re.compile(rb"(?<![0-9])[0-9]{300}")
_ZIP_ENTRY = b"PK\1\2"


class BadHeader(Exception):
    """A file's header is larger than one that is read, or made to take long."""

    def __init__(self) -> None:
        super().__init__(f"The archive has a header of more than {MAX_HEADER_BYTES:,} bytes, or of digits without end")


def entries_of_zip(content: bytes) -> int:
    """The most files that a ZIP archive can tell of."""
    return content.count(_ZIP_ENTRY)


class TarEntry(tarfile.TarInfo):
    """A file of a tar archive whose further headers are within bounds. Raises BadHeader as it is read."""

    def _proc_member(self, archive: Any) -> tarfile.TarInfo:
        if self.type in _FURTHER and self.size > MAX_HEADER_BYTES:
            raise BadHeader
        member: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return member

    def _proc_pax(self, archive: Any) -> tarfile.TarInfo:
        place = archive.fileobj.tell()
        if _MANY_DIGITS.search(archive.fileobj.read(self.size)):
            raise BadHeader
        archive.fileobj.seek(place)
        member: tarfile.TarInfo = super()._proc_pax(archive)  # type: ignore[misc]
        return member

    def _proc_gnusparse_10(self, *given: Any) -> None:
        """Leave such a file as it lies there, as other programs do: Python reads its map in a square of the time."""
