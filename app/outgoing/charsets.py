"""In which characters a response is written: what its header says, or else what the document says of itself.

Knows bytes; knows nothing of connections.
"""

import codecs
import re
import sys

from app.outgoing.likely_charsets import SAMPLE_BYTES, WESTERN, likely_charset

NO_CHARSETS = ("base64", "bz2", "hex", "idna", "punycode", "quopri", "raw", "rot", "undefined", "unicode", "utf-7")
"""How the names of what Python calls encodings begin, but no document is written in."""
BYTE_ORDER_MARK = "\ufeff"
PIECE = 4 * 2**20
"""Bytes that are decoded at once."""
HEAD_BYTES = 1024
"""How far into a document its charset has to be declared."""
REPLACED = "\ufffd"
MARKED = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
"""The marks with which texts of these codecs begin, and tell the order of their bytes."""
_NOT_PLAIN = re.compile(rb"[\x80-\xff\0]|\x1b\$")
"""What no text in ASCII has; ISO 2022 escapes from it."""
_OTHER_LETTERS = re.compile(r"[^\x00-\x7f\ufffd]")
_XML = re.compile(rb"""\s*<\?xml[^<>]{0,200}?encoding=["']([-\w]+)["']""")
_META = re.compile(rb"""<meta[^<>]{0,1000}?charset=["']?\s*([-\w]+)""", re.IGNORECASE)


def decode(content: bytes, charset: str | None) -> str:
    """The text, without a byte order mark; what cannot be read is replaced. `charset` is what the header says."""
    return decode_pieces(content, charset_of(content, charset))


def charset_of(content: bytes, charset: str | None) -> str:
    """Python's name for what the content is written in."""
    return codec_named(charset) or guess_charset(content)


def guess_charset(content: bytes) -> str:
    """Python's name for what a text of which nothing is known is most likely written in.

    What it says of itself; else UTF-8, unless most of what is not ASCII can be none; then what statistics say.
    """
    declared = _declared_charset(content)
    if declared is not None:
        return declared
    begin = _NOT_PLAIN.search(content)
    if begin is None:
        return "utf-8"
    place = begin.start() // 4 * 4  # characters may have two or four bytes
    sample = content[place : place + SAMPLE_BYTES]
    if b"\0" in sample or b"\x1b$" in sample:
        charset = _wide_ascii(sample) or likely_charset(sample) or ""
        if charset.startswith(("utf-16", "utf-32", "iso2022")):
            return charset
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample)
    if len(_OTHER_LETTERS.findall(text)) >= text.count(REPLACED):
        return "utf-8"
    return likely_charset(sample) or WESTERN


def _wide_ascii(sample: bytes) -> str | None:
    """UTF-16 where more than half of the characters have a zero byte, as ASCII's have, and always on the same side."""
    low, high = sample[::2].count(0), sample[1::2].count(0)
    if len(sample) % 2 or 4 * max(low, high) <= len(sample) or min(low, high):
        return None
    return "utf-16-le" if high else "utf-16-be"


def decode_pieces(content: bytes, codec: str) -> str:
    """The text, with what cannot be read replaced and no byte order mark; other threads have their turn meanwhile."""
    if len(content) <= PIECE:
        return content.decode(codec, "replace").removeprefix(BYTE_ORDER_MARK)
    decoder = decoder_of(content, codec)
    view = memoryview(content)
    pieces = [decoder.decode(bytes(view[begin : begin + PIECE])) for begin in range(0, len(view), PIECE)]
    pieces.append(decoder.decode(b"", final=True))
    first = next((place for place, piece in enumerate(pieces) if piece), 0)
    pieces[first] = pieces[first].removeprefix(BYTE_ORDER_MARK)
    return "".join(pieces)


def decoder_of(content: bytes, codec: str) -> codecs.IncrementalDecoder:
    """What decodes the content part by part as it is decoded as a whole, with what cannot be read replaced."""
    if codec in MARKED and not content.startswith(MARKED[codec]):
        codec += "-le" if sys.byteorder == "little" else "-be"  # without a mark, a decoder of parts refuses it
    return codecs.getincrementaldecoder(codec)("replace")


def _declared_charset(content: bytes) -> str | None:
    """What the document itself says, unless it plainly is UTF-8 all the same."""
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = content[:HEAD_BYTES]
    match = _XML.match(head) or (_META.search(head) if b"<" in head else None)
    charset = codec_named(match[1].decode()) if match else None
    if charset is None or charset.startswith(("utf-16", "utf-32")):
        return None  # what was just read as ASCII has one byte for a character
    return None if _is_utf_8(content) else charset


def _is_utf_8(content: bytes) -> bool:
    if content.isascii():
        return False  # some charsets write other characters with ASCII's
    try:
        content.decode()
        return True
    except UnicodeDecodeError:
        return False


def codec_named(charset: str | None) -> str | None:
    """Python's name for the charset; None for what is none, be it a codec: some are slow by design, or fail."""
    try:
        name = codecs.lookup(charset or "").name
    except (LookupError, ValueError):
        return None
    return None if name in ("uu", "zlib") or name.startswith(NO_CHARSETS) else name
