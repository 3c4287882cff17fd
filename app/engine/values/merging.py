"""Merges several JSON objects into one, and decides which value stays where they clash.

Knows n8n's clash handling option; knows no node.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Clash:
    """`prefer` is the input that wins ("last" or its number from 1); `suffix` keeps both under new names."""

    prefer: str
    suffix: bool
    deep: bool
    keep_filled: bool


def clash_handling(options: dict[str, Any], default: str) -> Clash:
    """The "clash handling" among a node's options; `default` is who wins when it says nothing."""
    given = options.get("clashHandling")
    values = given.get("values") if isinstance(given, dict) else None
    chosen = values if isinstance(values, dict) else {}
    resolve = chosen.get("resolveClash", default)
    return Clash(
        prefer=str(resolve).removeprefix("preferInput") if resolve != "preferLast" else "last",
        suffix=resolve == "addSuffix",
        deep=chosen.get("mergeMode", "deepMerge") != "shallowMerge",
        keep_filled=bool(chosen.get("overrideEmpty")),
    )


def by_preference(every: list[T], clash: Clash) -> list[T]:
    """What is merged, one of each input, with the preferred one last, where it overrides the others."""
    if not clash.prefer.isdecimal() or not 1 <= int(clash.prefer) <= len(every):
        return every
    place = int(clash.prefer) - 1
    return [*every[:place], *every[place + 1 :], every[place]]


def add_suffix(json: dict[str, Any], suffix: str) -> dict[str, Any]:
    """The object with all names made to end so."""
    return {f"{name}_{suffix}": value for name, value in json.items()}


def merge(jsons: list[dict[str, Any]], clash: Clash) -> dict[str, Any]:
    """All of the objects in one, later ones over earlier ones; what is shared with them is never changed."""
    result: dict[str, Any] = {}
    for json in jsons:
        for name, value in json.items():
            if name not in result:
                result[name] = value
            elif clash.keep_filled and value in (None, ""):
                continue
            else:
                result[name] = _overlay(result[name], value) if clash.deep else value
    return result


def _overlay(below: Any, above: Any) -> Any:
    """`above` laid over `below`: objects by their fields, arrays by their places, anything else replaced.

    An object laid over an array is lost, since an array cannot have fields in JSON.
    """
    if isinstance(below, list) and isinstance(above, dict):
        return below
    if isinstance(below, dict) and isinstance(above, dict):
        return {
            **below,
            **{name: _overlay(below[name], each) if name in below else each for name, each in above.items()},
        }
    if isinstance(below, list) and isinstance(above, list):
        shared = [_overlay(one, other) for one, other in zip(below, above, strict=False)]
        return [*shared, *(above if len(above) > len(below) else below)[len(shared) :]]
    return above
