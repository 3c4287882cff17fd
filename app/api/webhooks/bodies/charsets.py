"""Characters from bytes, by the names of charsets that this server knows.

A name that a caller sends never reaches Python's table of codecs: some of those are slow by design.
"""

UTF_8 = "utf-8"
CODECS: dict[str, str] = {
    "utf-8": UTF_8,
    "utf8": UTF_8,
    "ascii": "latin-1",
    "us-ascii": "latin-1",
    "latin1": "latin-1",
    "latin-1": "latin-1",
    "utf-16": "utf-16",
    "utf16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "ucs-2": "utf-16-le",
    **{f"iso-8859-{part}": f"iso8859-{part}" for part in range(1, 17) if part not in (11, 12)},
    **{f"windows-{page}": f"cp{page}" for page in range(1250, 1259)},
    **{f"cp{page}": f"cp{page}" for page in range(1250, 1259)},
}


def codec_of(charset: str | None) -> str:
    """The codec of a charset; UTF-8 for none and for those that are not known."""
    return CODECS.get((charset or "").strip().strip("\"'").lower(), UTF_8)


def as_utf_8(data: bytes, charset: str | None) -> bytes:
    """Text in a charset as UTF-8, without a byte order mark; bytes that mean nothing become U+FFFD."""
    codec = codec_of(charset)
    if codec != UTF_8:
        data = data.decode(codec, "replace").encode("utf-8", "replace")
    return data.removeprefix(b"\xef\xbb\xbf")
