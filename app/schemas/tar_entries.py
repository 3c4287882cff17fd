"""Reads the files of a tar that is not trusted. Python's own reader allocates what a header claims (a sparse file
of gigabytes in 92 bytes), and in some versions does not end or takes quadratic time on a hostile one; this one only
ever gives parts of the text that it was given."""

from collections.abc import Iterator

BLOCK = 512
REGULAR = (b"0", b"\0")
LONG_NAME, ATTRIBUTES = b"L", b"x"
MAX_NAME_LENGTH = 4_096
MAX_ENTRIES = 10_000
"""Of any kind, folders and links included."""


def files_of(tarred: bytes) -> Iterator[tuple[str, bytes]]:
    """The name and the content of each regular file, in order. Raises ValueError for what is no tar."""
    at, entries, named = 0, 0, None
    while (header := tarred[at : at + BLOCK]).strip(b"\0"):
        entries += 1
        if entries > MAX_ENTRIES:
            raise ValueError("The archive has too many entries")
        size, kind = _size(header), header[156:157]
        begin = at + BLOCK
        content = tarred[begin : begin + size]
        if len(content) < size:
            raise ValueError("The archive ends within a file")
        at = begin + -(-size // BLOCK) * BLOCK
        if kind in (LONG_NAME, ATTRIBUTES):
            named = _long_name(content) if kind == LONG_NAME else _path_of(content)
            continue
        if kind in REGULAR:
            yield named or _name(header), content
        named = None


def _size(header: bytes) -> int:
    """The bytes of an entry whose header is whole."""
    if len(header) < BLOCK or _octal(header[148:156]) != sum(header[:148]) + sum(header[156:]) + 8 * ord(" "):
        raise ValueError("The archive has an invalid header")
    return _octal(header[124:136])


def _octal(field: bytes) -> int:
    text = field.strip(b"\0 ")
    if not text.isdigit():
        raise ValueError("The archive has an invalid number")
    return int(text, 8)


def _name(header: bytes) -> str:
    name, prefix = _text(header[:100]), _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode()


def _long_name(content: bytes) -> str:
    if len(content) > MAX_NAME_LENGTH:
        raise ValueError("The archive has a name that is too long")
    return _text(content)


def _path_of(attributes: bytes) -> str | None:
    """The name among what stands there as `LENGTH key=value`, a line each."""
    if len(attributes) > 2 * MAX_NAME_LENGTH:
        raise ValueError("The archive has attributes that are too long")
    at, path = 0, None
    while at < len(attributes):
        length, space, _ = attributes[at : at + 8].partition(b" ")
        if not space or not length.isdigit() or int(length) <= len(length) + 1:
            raise ValueError("The archive has invalid attributes")
        key, _, value = attributes[at + len(length) + 1 : at + int(length) - 1].partition(b"=")
        path = value.decode() if key == b"path" else path
        at += int(length)
    return path
