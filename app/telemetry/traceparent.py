"""The header `traceparent` of W3C Trace Context: in which trace, and below which span, a caller sees its call."""

import re

MAX_LENGTH = 512
"""Later versions may be longer than the 55 characters of today's."""
PATTERN = re.compile(r"([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)


def parse_traceparent(header: str | None) -> str | None:
    """The header in the form of version 00, with no flag but that of sampling; None for one that is not valid."""
    if header is None or len(header) > MAX_LENGTH:
        return None
    match = PATTERN.fullmatch(header.strip())
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    return f"00-{trace_id}-{span_id}-{int(flags, 16) & 1:02x}"
