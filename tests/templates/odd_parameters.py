"""Nodes of templates with one parameter made odd: null, another type, nothing, an unknown word, an expression."""

import copy
import json
import random
from collections.abc import Iterable, Iterator
from typing import Any

from tests.templates.building import BASE
from tests.templates.bundles import NODE_KINDS, Tried
from tests.templates.database import Template
from tests.templates.far_side import FarSide
from tests.templates.parameters import kind, parameters, referred
from tests.templates.wholes import ask_elsewhere

Json = dict[str, Any]
Path = tuple[str | int, ...]
MISSING = object()
ODD: tuple[Any, ...] = (
    None, "", "unknown", "7", 0, -1, 2.5, True, False, [], {}, ["a"], {"a": 1}, MISSING,
    "={{ undefined }}", "={{ null }}", "={{ [1, 2] }}", "={{ ({a: 1}) }}", "={{ 3 }}", "={{ '' }}", "=",
)  # fmt: skip
KINDS = NODE_KINDS | {"httpRequest", "noOp", "moveBinaryData", "spreadsheetFile", "compression", "splitInBatches"}
PROGRAMS = frozenset({"jsCode", "functionCode"})


def odd_nodes_of(templates: Iterable[Template], far_side: FarSide, seed: int) -> Iterator[Tried]:
    """Each node of these kinds, with one parameter, or one part of it, made odd; chosen by the seed."""
    seen: set[str] = set()
    for template in templates:
        names = {each["name"] for each in template.nodes} - {"Start"}
        for each in template.nodes:
            made = _odd(each, far_side, seed) if each["type"].startswith(BASE) and kind(each) in KINDS else None
            key = json.dumps(made and [made["type"], made.get("typeVersion"), made["parameters"]], sort_keys=True)
            if made is not None and key not in seen:
                seen.add(key)
                yield Tried(template.id, template.timezone, made, referred(made) & names)


def _odd(node: Json, far_side: FarSide, seed: int) -> Json | None:
    made = copy.deepcopy(node)
    given = made["parameters"] = copy.deepcopy(parameters(node))
    if PROGRAMS & given.keys() or given.get("operation") in ("pdf", "xlsx", "xls", "ods"):
        return None
    if kind(node) == "httpRequest":
        ask_elsewhere(given, far_side.url(0, 0))
    chosen = random.Random(f"{seed} {json.dumps(given, sort_keys=True)}")
    paths = [path for path in _paths(given) if path != ("url",)]
    if not paths:
        return None
    *above, last = chosen.choice(paths)
    parent: Any = given
    for step in above:
        parent = parent[step]
    value = chosen.choice(ODD)
    if value is MISSING:
        del parent[last]
    else:
        parent[last] = copy.deepcopy(value)
    return made


def _paths(value: Any, above: Path = ()) -> Iterator[Path]:
    """The ways to all that a value holds."""
    if isinstance(value, dict | list):
        for step, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*above, step)
            yield from _paths(each, (*above, step))
