"""Headers that say where a message ends: what sends it writes them, and no workflow does."""

FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding", "upgrade", "te", "trailer"})
"""Where a message ends is told by what sends it: a workflow that told otherwise could be read as two requests."""
CONNECTION_OPTIONS = frozenset({"close", "keep-alive"})


def says_where_it_ends(name: str, value: str) -> bool:
    """Whether a header says, or lets a proxy on the way forget, where a message ends: `Connection: Content-Length`."""
    name = name.strip().lower()
    if name == "connection":
        return not CONNECTION_OPTIONS.issuperset(option.strip().lower() for option in value.split(","))
    return name in FRAMING_HEADERS
