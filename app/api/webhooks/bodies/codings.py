"""Content codings of bodies: gzip and deflate, decoded up to a limit and in pieces."""

import zlib

from app.api.webhooks.bodies.errors import BodyTooLarge, UnknownCoding, UnreadableBody

PIECE_BYTES = 64 * 2**10
MAX_MEMBERS = 1_000
"""A gzip body may be several behind one another; each costs some time even when it is empty."""

GZIP = 16 + zlib.MAX_WBITS
ZLIB = zlib.MAX_WBITS
BARE = -zlib.MAX_WBITS
"""Deflate without zlib's head, which is what some clients send under that name."""


def decode_body(data: bytes, coding: str, limit: int) -> bytes:
    """The body without its content coding. Raises BodyTooLarge beyond `limit` bytes, UnknownCoding, UnreadableBody."""
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return data
    try:
        if coding in ("gzip", "x-gzip"):
            return _inflate(data, GZIP, limit)
        if coding == "deflate":
            return _inflate(data, ZLIB if _has_zlib_head(data) else BARE, limit)
    except zlib.error as error:
        raise UnreadableBody(f"The body is not in {coding}: {error}") from None
    raise UnknownCoding(f"The Content-Encoding {coding[:50]!r} is not supported: send gzip, deflate or none")


def _has_zlib_head(data: bytes) -> bool:
    return len(data) > 1 and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0


def _inflate(data: bytes, kind: int, limit: int) -> bytes:
    made = bytearray()
    members = 1
    stream = zlib.decompressobj(kind)
    for start in range(0, len(data), PIECE_BYTES):
        piece = data[start : start + PIECE_BYTES]
        while piece:
            if stream.eof:
                if kind != GZIP:
                    raise UnreadableBody("Bytes follow after the end of the encoded body")
                members += 1
                if members > MAX_MEMBERS:
                    raise UnreadableBody(f"The body has more than {MAX_MEMBERS} gzip members")
                stream = zlib.decompressobj(kind)
            made += stream.decompress(piece, limit + 1 - len(made))
            if len(made) > limit:
                raise BodyTooLarge
            piece = stream.unconsumed_tail or stream.unused_data
    if data and not stream.eof:
        raise UnreadableBody("The encoded body ends too early")
    return bytes(made)
