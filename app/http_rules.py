"""What HTTP lets the answer of a workflow be: its status and the names of its headers."""

import re
from typing import Any

LOWEST_STATUS, HIGHEST_STATUS = 200, 599
STATUSES = f"{LOWEST_STATUS} to {HIGHEST_STATUS}"
"""Statuses below are no final answers: a client would go on waiting for one."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}", re.ASCII)


def status_of(value: Any) -> int | None:
    """The status that a number or its digits say; None for what no answer can have."""
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) == 3):
        return None
    return int(text) if LOWEST_STATUS <= int(text) <= HIGHEST_STATUS else None


def is_header_name(name: str) -> bool:
    """Whether a header can have this name."""
    return _TOKEN.fullmatch(name) is not None
