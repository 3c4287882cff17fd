"""Paths into JSON such as `a.b[0].c`: reading, and writing without touching what others hold.

Knows only JSON. A key that stands in an object as it is written wins over the path that it spells.
"""

import itertools
import re
from typing import Any

_PLAIN = re.compile(r"[^.\[\]]+")

MISSING = object()
"""What `get` finds where nothing is; null is something."""


def split(path: str) -> list[str]:
    """The keys and indexes that a path spells, in order; a text without any is a key itself."""
    parts: list[str] = []
    position, last_bracket = 0, path.rfind("]")
    while position < len(path):
        if plain := _PLAIN.match(path, position):
            parts.append(plain[0])
            position = plain.end()
        elif path[position] == "[" and position < last_bracket:
            part, position = _bracketed(path, position + 1)
            parts.append(part)
        else:
            position += 1
            if path[position - 1 : position + 1] == "..":
                parts.append("")
    return parts or [path]


def _bracketed(path: str, begin: int) -> tuple[str, int]:
    """What stands in the bracket that was opened before `begin`, without quotes, and where it goes on behind it."""
    quote = path[begin]
    if quote in "\"'" and (end := path.find(quote, begin + 1)) >= 0 and path.startswith("]", end + 1):
        return path[begin + 1 : end], end + 2
    end = path.index("]", begin)
    return path[begin:end], end + 1


def get(value: Any, path: str, default: Any = None, *, dots: bool = True) -> Any:
    if isinstance(value, dict) and path in value:
        return value[path]
    if not dots:
        return default
    for part in split(path):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list | str) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return default
    return value


def put(target: dict[str, Any], path: str, value: Any, *, dots: bool = True) -> None:
    """Set the value at `path` of `target`. Objects and arrays on the way are replaced by copies, never changed:
    `target` itself has to be the caller's own, what it contains may be shared. A name given to an array, which
    JSON cannot write, is lost."""
    if not dots or path in target or ("." not in path and "[" not in path):
        target[path] = value
        return
    parts = split(path)
    place: Any = target
    for part, following in itertools.pairwise(parts):
        child = _child(place, part)
        new: Any = [] if following.isdecimal() else {}
        child = child.copy() if isinstance(child, dict | list) else new
        _assign(place, part, child)
        place = child
    _assign(place, parts[-1], value)


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
        _assign(place, part, child.copy())
        place = _child(place, part)
    if isinstance(place, dict):
        del place[parts[-1]]
    else:
        place[int(parts[-1])] = None


def _child(place: Any, part: str) -> Any:
    if isinstance(place, dict):
        return place.get(part)
    return place[int(part)] if part.isdecimal() and int(part) < len(place) else None


LONGEST_GAP = 100_000


def _assign(place: Any, part: str, value: Any) -> None:
    if isinstance(place, dict):
        place[part] = value
        return
    if not part.isdecimal():
        return
    index = int(part)
    if index > len(place) + LONGEST_GAP:
        raise ValueError(f"The index {part} lies too far beyond the end of the array")
    place.extend([None] * (index + 1 - len(place)))
    place[index] = value
