"""A page of executions as n8n's API gives it, read from a file and parsed one execution at a time.

A page may hold hundreds of megabytes: n8n bounds the number of executions on it, not their size.
"""

import mmap
import re
from collections.abc import Iterator
from typing import BinaryIO

from app.importing.n8n.rows import read_json

TOKEN = re.compile(rb'"[^"\\]*+(?:(?>\\.[^"\\]*+))*+"|[\[\]{}]', re.DOTALL)
"""A text, or what opens or closes an object or a list. It never goes back."""

DATA = b'"data"'
MAX_AROUND = 2**20
"""Bytes that a page may have beside its executions."""


class LargePage:
    """The executions of a page as their JSON, and after the last of them `cursor`, where the next page begins."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.cursor: str | None = None

    def executions(self) -> Iterator[bytes]:
        """Each as its JSON. Raises ValueError for what is no such page."""
        self._file.flush()
        page = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        depth, start, key, is_data = 0, 0, b"", False
        first = last = 0  # where the list of executions begins and ends
        for token in TOKEN.finditer(page):
            match page[token.start()]:
                case 0x22:  # a text
                    if depth == 1:
                        key = page[token.start() : min(token.end(), token.start() + len(DATA) + 1)]
                case 0x5B | 0x7B:  # [ {
                    depth += 1
                    if depth == 2:
                        is_data = key == DATA
                        first = token.start() if is_data else first
                    elif depth == 3:
                        start = token.start()
                case _:
                    if depth == 3 and is_data:
                        yield page[start : token.end()]
                    elif depth == 2 and is_data:
                        last = token.end()
                    depth -= 1
        if not 0 < first < last or first + len(page) - last > MAX_AROUND:
            raise ValueError("it is not a page of executions")
        around = read_json(page[:first] + b"null" + page[last:])
        cursor = around.get("nextCursor") if isinstance(around, dict) else None
        self.cursor = cursor if isinstance(cursor, str) else None
