"""Whatever a workflow document holds, a run ends with an outcome that can be written down."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

CASES = sorted((Path(__file__).parents[2] / "conformance").glob("*/*.json"))
ODD = [None, 5, -1, "x", "", [], {}, [1], {"a": 1}, True, "={{ $json }}", "={{ null }}", 1e308, "={{ $json.", [[]]]
SLOW = (".wait", ".code", ".function", ".functionItem")


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*place, key))


def damage(document: dict[str, Any], chance: random.Random) -> None:
    """Put something odd in the place of any part of the document, or take the part away."""
    place = chance.choice([place for place in places(document) if place])
    holder: Any = document
    for key in place[:-1]:
        holder = holder[key]
    if chance.random() < 0.2:
        del holder[place[-1]]
    else:
        holder[place[-1]] = json.loads(json.dumps(chance.choice(ODD)))


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_workflow_ends_in_an_outcome(engine, seed):
    chance = random.Random(seed)
    for path in chance.sample(CASES, 60):
        document = json.loads(path.read_text())["workflow"]
        if any(node["type"].endswith(SLOW) for node in document["nodes"]):
            continue
        for _ in range(chance.randint(1, 3)):
            damage(document, chance)
        if isinstance(document.get("settings"), dict):
            document["settings"]["executionTimeout"] = 2
        outcome = engine.run(document, mode=chance.choice(["manual", "trigger"]), start_node="Start")
        assert outcome.status in ("success", "error", "canceled")
        assert orjson.loads(orjson.dumps(outcome.data))["resultData"]["runData"] is not None
