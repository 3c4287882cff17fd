"""JSON that parsers refuse although it is stored and says something: halves of surrogate pairs, and very deep nesting.

What is read in its place has the same places: every byte that is changed is one byte again.
"""

import re

DEEPEST = 300
"""Levels that parsers take at any depth of their own callers."""
HALF = rb"\ufffd"
"""What stands for half of a pair."""
_HIGH, _LOW = rb"u[dD][89abAB][0-9a-fA-F]{2}", rb"u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rb"\\(?:%s\\%s|(%s|%s)|.)" % (_HIGH, _LOW, _HIGH, _LOW), re.DOTALL)
_MAY_BE_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_BRACKET = re.compile(rb'"(?:(?>[^"\\]++|\\.))*+"?|[\[\]{}]', re.DOTALL)
_SPACE = re.compile(rb'("(?:(?>[^"\\]++|\\.))*+"?)|[ \t\r\n]++', re.DOTALL)


def readable(text: bytes) -> bytes:
    """The text as parsers take it: U+FFFD for halves of pairs, and a string for what lies deeper than DEEPEST."""
    return without_depth(without_halves(text))


def without_halves(text: bytes) -> bytes:
    """The text with U+FFFD for each half of a surrogate pair."""
    if not _MAY_BE_HALF.search(text):
        return text
    return _ESCAPE.sub(lambda found: HALF if found[1] else found[0], text)


def has_halves(text: bytes) -> bool:
    """Whether half of a surrogate pair is escaped in it."""
    return without_halves(text) != text


def without_depth(text: bytes) -> bytes:
    """The text with a string for each list and object that lies deeper than DEEPEST."""
    depth = begin = 0
    changed: bytearray | None = None
    for found in _BRACKET.finditer(text):
        bracket = found[0]
        if bracket in (b"[", b"{"):
            depth += 1
            if depth == DEEPEST + 1:
                begin = found.start()
        elif bracket in (b"]", b"}"):
            if depth == DEEPEST + 1:
                changed = bytearray(text) if changed is None else changed
                changed[begin : found.end()] = b'"%s"' % (b"_" * (found.end() - begin - 2))
            depth -= 1
    return text if changed is None else bytes(changed)


def without_spaces(text: bytes) -> bytes:
    """The text without spaces between its parts."""
    return _SPACE.sub(lambda found: found[1] or b"", text)
