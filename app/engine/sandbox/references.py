"""Which nodes a JavaScript text refers to, so that only their data is sent along. Reads text, runs nothing."""

from __future__ import annotations

import re
import sys
from functools import lru_cache

_STRING = r"""(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\$]|\\.)*)`)"""
# Every place where a node may be named ...
_ANY = re.compile(r"\$\s*\(|\$node\b|\$items\s*\(|\$item\b|\$(?!\s*\(|[\w${])")
# ... and those of them that say the name right there.
_NAMED = re.compile(
    rf"(?:\$\s*\(\s*{_STRING}\s*\)|\$node\s*(?:\?\.)?\s*\[\s*{_STRING}\s*\]|\$items\s*\(\s*{_STRING}\s*[,)]"
    r"|\$node\s*\??\.\s*([A-Za-z_$][\w$]*)|\$items\s*\(\s*()\))"
)
_ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\n|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}


@lru_cache(maxsize=4096)
def referenced_nodes(text: str) -> frozenset[str] | None:
    """The names of the nodes that a template or program refers to; None when it could be any node."""
    if "$" not in text:
        return frozenset()
    names = set()
    named = 0
    for match in _NAMED.finditer(text):
        named += 1
        name = next((group for group in match.groups() if group is not None), "")
        if name:
            names.add(_unquote(name))
    if named != sum(1 for _ in _ANY.finditer(text)) or "globalThis" in text:
        return None
    return frozenset(names)


def _unquote(text: str) -> str:
    """What a string in JavaScript means; two of its escapes may make one character."""
    return _ESCAPE.sub(_unescape, text).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _unescape(match: re.Match[str]) -> str:
    escaped = match.group(1)
    if escaped[0] in "ux" and len(escaped) > 1:
        code = int(escaped[1:].strip("{}"), 16)
        return chr(code) if code <= sys.maxunicode else ""  # JavaScript refuses it, and no node is called so
    return _LETTERS.get(escaped, escaped)
