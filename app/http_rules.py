"""What HTTP lets the answer of a workflow be: its status, the names of its headers and of a file to be saved.
And the methods of calls."""

import re
from typing import Any
from urllib.parse import quote

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Those that are counted by their names: whoever calls may write anything as the method."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Those that change nothing."""
LOWEST_STATUS, HIGHEST_STATUS = 200, 599
STATUSES = f"{LOWEST_STATUS} to {HIGHEST_STATUS}"
"""Statuses below are no final answers: a client would go on waiting for one."""

MAX_FILE_NAME_LENGTH = 200

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


def file_name_of(value: Any) -> str:
    """The name that a file is offered under: one line, without letters that turn it around."""
    text = str(value)[:MAX_FILE_NAME_LENGTH].encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else "_" for c in text)


def attachment(value: Any) -> str:
    """The Content-Disposition of a file to be saved under this name, whatever its letters (RFC 6266)."""
    name = file_name_of(value)
    plain = "".join(c if c.isascii() and c not in '"\\' else "_" for c in name)
    if plain == name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
