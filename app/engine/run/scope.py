"""What the JavaScript of a node gets to see: its items, the nodes that it refers to, the run as a whole.

As little as will do, because all of it travels to the sandbox; knows nothing of what the JavaScript is for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.run.graph import Node
from app.engine.run.items import InputSource, Item
from app.engine.run.paired_items import Ancestry
from app.engine.run.state import RunState
from app.engine.run.variables import ask_for_variables, shown_variables
from app.engine.sandbox import referenced_nodes

Run = list[list[Item]]
"""The items at each output of one run of a node."""


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """From where the JavaScript looks: one run of a node, with the sources of its inputs.

    `execution` is what it may know of the execution as a whole. For a sub-node, `anchor` is the node of the main flow
    that it serves, whose ancestors it sees; `origin` is where the item of that node came from which it serves.
    """

    state: RunState
    node: Node
    run_index: int
    sources: Sequence[InputSource | None]
    execution: dict[str, Any]
    anchor: Node
    origin: tuple[InputSource, int] | None = None


def scope_for(view: Viewpoint, texts: Sequence[str], items: list[Item]) -> dict[str, Any]:
    """The scope to evaluate `texts` in for each of the items; of other nodes, only those that the texts refer to."""
    scope = base_scope(view, items)
    looks = any(map(_PARAMETERS.search, texts))
    if looks:
        scope["node"]["parameters"] = view.node.complete_parameters()
        texts = [*texts, *_expressions(scope["node"]["parameters"])]
    names = _referenced(view, texts)
    if looks:
        others = (view.state.graph.nodes[name] for name in names if name in view.state.graph.nodes)
        of_others = [_expressions(each.complete_parameters()) for each in others]
        texts = [*texts, *(text for each in of_others for text in each)]
        names = _referenced(view, texts)
    if view.state.variables and ask_for_variables(texts):
        scope["vars"] = shown_variables(view.state.variables, texts)
    if names:
        scope["nodes"] = _nodes(view, names, len(items), texts)
    if looks:
        for name, shown in scope["nodes"].items():
            shown["parameters"] = view.state.graph.nodes[name].complete_parameters()
    return scope


def base_scope(view: Viewpoint, items: list[Item]) -> dict[str, Any]:
    """The scope without any other node."""
    state, node = view.state, view.node
    source = next((entry for entry in view.sources if entry), None)
    return {
        "items": items,
        "nodes": {},
        "nodeNames": list(state.graph.nodes),
        "node": {
            "id": node.document.get("id"),
            "name": node.name,
            "type": node.type,
            "version": node.version,
            "parameters": node.parameters,
        },
        "prevNode": source
        and {
            "name": source["previousNode"],
            "outputIndex": source.get("previousNodeOutput") or 0,
            "runIndex": source.get("previousNodeRun") or 0,
        },
        "runIndex": view.run_index,
        "workflow": {"id": state.graph.id, "name": state.graph.name or None, "active": state.graph.active},
        "execution": view.execution,
        "customData": state.custom_data,
        "timezone": state.graph.timezone,
        "staticData": state.static_data.shown_to(node.name),
        "vars": {},
        "env": None,
    }


def _nodes(view: Viewpoint, names: set[str], count: int, texts: Sequence[str]) -> dict[str, Any]:
    """The nodes of these names, each with its runs and with the items that the current `count` items come from."""
    state = view.state
    sources, places = view.sources, list(range(count))
    if view.origin is not None:
        sources, places = [view.origin[0]], [view.origin[1]] * count
    ancestry = Ancestry(state.run_data, sources, frozenset(state.pin_data))
    nodes: dict[str, Any] = {}
    for name in names:
        known = state.graph.nodes.get(name)
        if known is None:
            continue
        runs: list[Run] = [
            [output or [] for output in (run.get("data") or {}).get("main") or []]
            for run in state.run_data.get(name) or []
        ]
        towards = state.graph.output_towards(name, view.anchor.name)
        connected = towards is not None
        paired = _paired_positions(ancestry, name, places) if connected else []
        if not runs and connected:
            paired = [f"Node '{name}' hasn't been executed"] * count
        if runs and _asks_for_items_only(name, texts):
            runs, paired = _paired_only(runs, paired)
            towards = 0
        nodes[name] = {
            "outputIndex": towards or 0,
            "connected": connected,
            "runs": runs,
            "paired": paired,
            "parameters": known.parameters,
            "context": _shown_memory(state.context_data.get(f"node:{name}") or {}, texts),
        }
    return nodes


def _paired_positions(ancestry: Ancestry, name: str, places: list[int]) -> list[Any]:
    """Where each item comes from in an ancestor; false for one that does not come from it."""
    positions = (ancestry.find(name, place) for place in places)
    return [False if position is None else position for position in positions]


def _referenced(view: Viewpoint, texts: Sequence[str]) -> set[str]:
    """The nodes that the texts refer to; all that have run, where nobody can tell."""
    names: set[str] = set()
    for text in texts:
        referenced = referenced_nodes(text)
        if referenced is None:
            return set(view.state.run_data)
        names |= referenced
    return names


def _expressions(parameters: dict[str, Any]) -> list[str]:
    """The parameters that are expressions, which whoever looks at them evaluates."""
    values = (value.get("value") if isinstance(value, dict) else value for value in parameters.values())
    return [value for value in values if isinstance(value, str) and value.startswith("=")]


_PARAMETERS = re.compile(r"param", re.IGNORECASE)
"""What a text says that looks at parameters, by whichever name: defaults are added to them only then."""
_CONTEXT = re.compile(r"\bcontext\b")
_CONTEXT_KEY = re.compile(r"\bcontext\b\s*(?:(?:\?\.)?\s*\[\s*(?:'([^'\\]*)'|\"([^\"\\]*)\")\s*\]|\??\.\s*([A-Za-z]+))")


def _shown_memory(memory: dict[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """What expressions may see of a node's memory; of the items in it only those that the texts ask for.

    Most ask how far a loop is; all its items in each round would make a million of a thousand.
    """
    keys = [_CONTEXT_KEY.findall(text) for text in texts]
    if any(len(names) != len(_CONTEXT.findall(text)) for text, names in zip(texts, keys, strict=True)):
        return memory
    asked = {name for names in keys for groups in names for name in groups if name}
    return {key: value for key, value in memory.items() if key in asked or not isinstance(value, dict | list)}


def _asks_for_items_only(name: str, texts: Sequence[str]) -> bool:
    """Whether the texts ask a node for nothing but the item that is paired with the current one."""
    asked = re.compile(r"\$\(\s*(['\"`])" + re.escape(name) + r"\1\s*\)\s*\??\.\s*item\b")
    return all(text.count(name) == len(asked.findall(text)) for text in texts)


def _paired_only(runs: list[Run], paired: list[Any]) -> tuple[list[Run], list[Any]]:
    """A node's runs with only the items that are paired with a current one.

    In a loop each round needs one of a thousand items; all of them each time would make a million.
    """
    chosen: list[Item] = []
    places: dict[tuple[int, ...], int] = {}
    moved: list[Any] = []
    for position in paired:
        if not isinstance(position, list):
            moved.append(position)
            continue
        run, output, place = position
        key = (run, output, place)
        if key not in places:
            places[key] = len(chosen)
            chosen.append(runs[run][output][place])
        moved.append([0, 0, places[key]])
    return [[chosen]], moved
