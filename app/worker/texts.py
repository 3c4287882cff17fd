"""Texts of nodes, packages and providers, as PostgreSQL can keep them and as lists can show them."""

from app.repository.failure_patterns import MAX_NODE_LENGTH

MAX_TEXT_LENGTH = 10_000
"""Bytes of an error's text in lists, notices and what error workflows get."""
CUT = "... (cut short; the execution's data has all of it)"


def shorten(text: str) -> str:
    """The text, cut where it is so long that a page of such texts would be a burden; all of it is in the run data."""
    if len(text) <= MAX_TEXT_LENGTH // 4 or len(data := text.encode("utf-8", "replace")) <= MAX_TEXT_LENGTH:
        return text
    return data[:MAX_TEXT_LENGTH].decode("utf-8", "ignore") + CUT


def shorten_name(name: str) -> str:
    """The name of a node, cut where it is very long, without what a text column cannot hold."""
    return strip_unstorable(name[:MAX_NODE_LENGTH])


def strip_unstorable(text: str) -> str:
    """The text without what a text column cannot hold: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
