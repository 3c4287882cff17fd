"""Encoded words of mail headers (RFC 2047), read in a time that grows with the length of the text.

Python's own `decode_header` needs a time that grows with the square of the number of words. Where something only looks
like such a word, it searches all the rest of the text for its end, in one step that lets no other thread go on.
"""

import re
from base64 import b64decode
from email.quoprimime import header_decode
from itertools import groupby

from app.outgoing.charsets import codec_named

WORD = re.compile(r"=\?([^?*\s]{0,100})(?:\*[^?\s]{0,100})?\?([bBqQ])\?([^?]*)\?=")
WORDS = re.compile(rf"{WORD.pattern}(?:\s{{0,100}}{WORD.pattern})*")
"""One after the other: the white space between them counts for nothing."""


def decode_words(text: str) -> str:
    """The text with its encoded words decoded; those that cannot be stay."""
    return WORDS.sub(_decode, text) if "=?" in text else text


def _decode(words: re.Match[str]) -> str:
    """What the words say. A character may begin in one word and end in the next."""
    try:
        read = [(codec_named(word[1] or "ascii"), _bytes(word[2], word[3])) for word in WORD.finditer(words[0])]
        parts = [(codec, b"".join(data for _, data in part)) for codec, part in groupby(read, key=lambda word: word[0])]
        return words[0] if None in dict(parts) else "".join([data.decode(codec or "") for codec, data in parts])
    except ValueError:  # of base64, and of characters
        return words[0]


def _bytes(kind: str, text: str) -> bytes:
    if kind in "qQ":
        return header_decode(text).encode("raw-unicode-escape")
    return b64decode(text + "=" * (-len(text) % 4))
