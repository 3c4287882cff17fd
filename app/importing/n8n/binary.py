"""Files of items: n8n keeps their bytes beside the run data, here they stand in it."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

from app.importing.n8n.files_of_runs import LARGEST, STORAGE, FileTooLarge, InBucket, NoFolder

MODES = ("filesystem-v2:", "filesystem:", "database:", "s3:", "azure:")
TOO_LARGE = f"a file was not brought: it is too large {LARGEST}"
NO_FOLDER = f"a file was not brought {STORAGE}"
MISSING = "a file was not brought: its bytes are not to be had"
MARKS = ('"filesystem', '"database:', '"s3:', '"azure:')


class BinaryReader:
    """Puts the bytes of files into run data, as long as they come to no more than `most_bytes` in one execution."""

    def __init__(self, read: Callable[[str], bytes | None], most_bytes: int, say_lost: Callable[[str], None]) -> None:
        self._read, self._room, self._say_lost = read, most_bytes, say_lost

    def inline(self, document: dict[str, Any], text: str | None) -> dict[str, Any]:
        """The document with the bytes of its files in it; it is changed. `text`, where it is known: the document's
        own, in which a look tells whether there are any files at all."""
        if text is not None and not any(mark in text for mark in MARKS):
            return document
        for entry in _entries(document):
            reference = entry.get("id")
            if isinstance(reference, str) and reference.startswith(MODES):
                self._take(entry, reference)
        return document

    def _take(self, entry: dict[str, Any], reference: str) -> None:
        entry.pop("id")
        entry["data"] = ""
        try:
            content = self._read(reference)
        except FileTooLarge:
            self._say_lost(TOO_LARGE)
            return
        except NoFolder:
            self._say_lost(NO_FOLDER)
            return
        except InBucket as error:
            self._say_lost(f"a file was not brought: it is in {error}")
            return
        if content is None:
            self._say_lost(MISSING)
        elif len(content) > self._room:
            self._say_lost(TOO_LARGE)
        else:
            self._room -= len(content)
            entry["data"] = base64.b64encode(content).decode()


def _entries(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every entry of an item's `binary`, wherever in the document its item stands."""
    pending: list[Any] = [document.get("resultData"), document.get("executionData")]
    seen: set[int] = set()
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, list):
            pending += [part for part in value if isinstance(part, list | dict)]
        elif isinstance(value, dict):
            binary = value.get("binary")
            if isinstance(binary, dict) and "json" in value:
                yield from (entry for entry in binary.values() if isinstance(entry, dict))
            pending += [part for name, part in value.items() if name != "json" and isinstance(part, list | dict)]
