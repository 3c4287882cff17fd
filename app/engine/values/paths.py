"""Paths into JSON such as `a.b[0].c`: reading, and writing without touching what others hold.

Knows only JSON. A key that stands in an object as it is written wins over the path that it spells.
"""

import itertools
import re
from collections.abc import Callable
from typing import Any

from app.engine.values import conversions

_DEEP = re.compile(r"""\.|\[(?:[^\[\]]*|(["'])(?:(?!\1)[^\\]|\\.)*?\1)\]""", re.DOTALL)
_PART = re.compile(
    r"""
    [^.\[\]]+ |
    \[(?:(?P<number>-?\d+(?:\.\d+)?)|(?P<quote>["'])(?P<text>(?:(?!(?P=quote))[^\\]|\\.)*?)(?P=quote))\] |
    (?=(?:\.|\[\])(?:\.|\[\]|\Z))
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(\\)?")

MAX_LENGTH = 10_000
"""Characters of a path; for each step there may be an object in an object."""
MAX_INDEX_LENGTH = 16
"""Digits of an index; Python reads no number of thousands."""
MISSING = object()
"""What `get` finds where nothing is; null is something."""


def split(path: str) -> list[str]:
    """The keys and indexes that a path spells, in order, as lodash reads it; a text that spells none is a key itself.

    Nothing between two dots, before the first or behind the last is the empty key. A text beyond MAX_LENGTH is a key.
    """
    if len(path) > MAX_LENGTH or not _DEEP.search(path):
        return [path]
    parts = [""] if path.startswith(".") else []
    for match in _PART.finditer(path):
        if match["quote"]:
            parts.append(_ESCAPED.sub(lambda found: found[1] or "", match["text"]))
        else:
            parts.append(match["number"] or match[0])
    return parts or [path]


def get(value: Any, path: str, default: Any = None, *, dots: bool = True) -> Any:
    """What stands at a path, such as `a.b[0]`; a field of that very name goes first.

    Without `dots` it is a name only. Lists and texts have a length.
    """
    if isinstance(value, dict) and path in value:
        return value[path]
    if not dots:
        return default
    for part in split(path):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list | str) and (index := _index(part)) is not None and index < len(value):
            value = value[index]
        elif part == "length" and isinstance(value, list | str):
            value = len(value) if isinstance(value, list) else len(value.encode("utf-16-le", "surrogatepass")) // 2
        else:
            return default
    return value


def put(
    target: dict[str, Any], path: str, value: Any, *, dots: bool = True, hold: Callable[[int], None] = lambda size: None
) -> None:
    """Set the value at `path` of `target`. Objects and arrays on the way are replaced by copies, never changed:
    `target` itself has to be the caller's own, what it contains may be shared. A name given to an array, which
    JSON cannot write, is lost. `hold` hears of the bytes that an array takes up to an index beyond its end."""
    if not dots or path in target or ("." not in path and "]" not in path):
        target[path] = value
        return
    _put(target, split(path), value, hold)


def put_at(target: dict[str, Any], given: Any, value: Any, *, hold: Callable[[int], None]) -> None:
    """As `put`, at what an expression gave for a path: a list holds its parts, a number or no value is one name."""
    if isinstance(given, list):
        if given:
            _put(target, [conversions.to_string(part) for part in given], value, hold)
        return
    put(target, conversions.to_string(given), value, dots=isinstance(given, str | dict), hold=hold)


def _put(target: dict[str, Any], parts: list[str], value: Any, hold: Callable[[int], None]) -> None:
    place: Any = target
    for part, following in itertools.pairwise(parts):
        child = _child(place, part)
        new: Any = [] if _index(following) is not None else {}
        child = child.copy() if isinstance(child, dict | list) else new
        _assign(place, part, child, hold)
        place = child
    _assign(place, parts[-1], value, hold)


def remove(target: dict[str, Any], path: str, *, dots: bool = True) -> None:
    """Remove what is at `path`; nothing happens where nothing is. Shares as little as `put` does."""
    if path in target:
        del target[path]
        return
    if not dots:
        return
    parts = split(path)
    if get(target, path, MISSING) is MISSING:
        return
    place: Any = target
    for part in parts[:-1]:
        child = _child(place, part)
        if not isinstance(child, dict | list):
            return
        _assign(place, part, child.copy(), lambda size: None)
        place = _child(place, part)
    if isinstance(place, dict):
        del place[parts[-1]]
    elif (index := _index(parts[-1])) is not None:
        place[index] = None


def _index(part: str) -> int | None:
    """The index that a step spells; None for a name, as a number is that is too long for any index."""
    return int(part) if len(part) <= MAX_INDEX_LENGTH and part.isdecimal() else None


def _child(place: Any, part: str) -> Any:
    if isinstance(place, dict):
        return place.get(part)
    index = _index(part)
    return place[index] if index is not None and index < len(place) else None


MAX_GAP = 100_000
POINTER = 8


def _assign(place: Any, part: str, value: Any, hold: Callable[[int], None]) -> None:
    if isinstance(place, dict):
        place[part] = value
        return
    index = _index(part)
    if index is None:
        return
    if index > len(place) + MAX_GAP:
        raise ValueError(f"The index {part} lies too far beyond the end of the array")
    gap = index + 1 - len(place)
    if gap > 1:
        hold(gap * POINTER)
    place.extend([None] * gap)
    place[index] = value
