"""What messages of failures have in common: their text without what differs from one failure to the next.

Takes time that grows with the text.
"""

import re
from functools import lru_cache

MAX_MESSAGE_LENGTH = 2_000
"""Of a message so many characters are looked at."""
MAX_NODE_LENGTH = 500
"""Characters of a node's name that are kept of a failure, and tell problems apart: an entry of an index has a limit."""
MAX_PATTERN_LENGTH = 500
LONG_WORD = 32
MAX_REMEMBERED = 512
DIGITS = bytes.maketrans(b"123456789", b"000000000")
NUMBER, ID, ADDRESS, EMAIL, QUOTED = "<number>", "<id>", "<url>", "<email>", '"…"'

# Quoted text; from where a word begins: addresses, and whatever looks like a number, an id or a time; and space, unless
# it is one blank. Plain words are none of it: to call a function for each would take twice as long.
PIECES = re.compile(
    r"""
    "[^"]{0,300}" | `[^`]{0,300}` | “[^”]{0,300}” | (?<!\w)'[^']{0,300}'(?!\w)
    | (?<![\w.@:+/-]) (?:
        https?://[^\s"'<>]*+
        | [A-Za-z_.:+/-]*+ (?: [^\WA-Za-z_] | @ ) [\w.@:+/-]*+
        | [\w.@:+/-]{33,}+ )
    | \s\s+ | [^\S\ ]
    """,
    re.VERBOSE,
)
QUOTES = "\"`“'"
AROUND = ".:/+-@"


def pattern_of(message: str) -> str:
    """The message without quoted values, addresses, numbers, ids and times; at most MAX_PATTERN_LENGTH characters."""
    return _pattern_of(message[:MAX_MESSAGE_LENGTH].encode("utf-8", "surrogatepass").translate(DIGITS))


@lru_cache(maxsize=MAX_REMEMBERED)  # one digit is as good as another: most messages have been seen but for these
def _pattern_of(message: bytes) -> str:
    text = message.decode("utf-8", "surrogatepass")
    return PIECES.sub(replace_piece, text).strip()[:MAX_PATTERN_LENGTH]


def replace_piece(match: re.Match[str]) -> str:
    """What stands in the pattern for a piece of a message."""
    piece = match[0]
    if piece[0] in QUOTES:
        return QUOTED
    if piece.isspace():
        return " "
    if piece.startswith(("http://", "https://")):
        return ADDRESS
    word = piece.strip(AROUND)
    if not word or not differs(word):
        return piece
    before, _, after = piece.partition(word)
    return f"{before}{kind_of(word)}{after}"


def differs(word: str) -> bool:
    """Whether a word is likely to be another one the next time."""
    return "@" in word or len(word) > LONG_WORD or any(character.isdigit() for character in word)


def kind_of(word: str) -> str:
    """What a word that differs is."""
    if "@" in word:
        return EMAIL
    return ID if any(character.isalpha() for character in word.replace("T", "").replace("Z", "")) else NUMBER
