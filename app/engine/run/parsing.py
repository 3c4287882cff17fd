"""Reads n8n's workflow documents as graphs. What is sound n8n stores, too; whether it can run is another question."""

import math
from typing import Any

from app.engine.run.graph import Destination, Graph, InvalidWorkflow, Node
from app.engine.run.node_types import NodeTypes
from app.engine.values import conversions

_NUMBERS = (int, float)


def parse_workflow(document: dict[str, Any], types: NodeTypes, timezone: str = "UTC") -> Graph:
    """The graph of an n8n workflow document, whose nodes are run by `types`, in `timezone` where it names none.

    Raises InvalidWorkflow: what `check_structure` refuses, and pinned data that are no items. Node types and triggers
    are not checked here, so that a workflow can be read before it can run.
    """
    parsed = _parse_nodes(document, types)
    pin_data = document.get("pinData") or {}
    static_data = document.get("staticData")
    if not isinstance(pin_data, dict):
        raise InvalidWorkflow("The workflow's settings and pinData must be objects.")
    return Graph(
        id=str(document.get("id") or ""),
        name=str(document.get("name") or ""),
        active=bool(document.get("active")),
        nodes=parsed,
        types=types,
        settings=document.get("settings") or {},
        static_data=static_data if isinstance(static_data, dict) else {},
        pin_data={name: _parse_pinned(name, items) for name, items in pin_data.items() if items is not None},
        instance_timezone=timezone,
    )


def check_structure(document: dict[str, Any], types: NodeTypes) -> None:
    """Refuse what n8n does not store either; whether the workflow can run is another question.

    Raises InvalidWorkflow: not a workflow, duplicate node names, a connection to a node that is not there.
    """
    _parse_nodes(document, types)


def _parse_nodes(document: dict[str, Any], types: NodeTypes) -> dict[str, Node]:
    """The nodes by name, connected. Raises InvalidWorkflow."""
    if not isinstance(document, dict) or not isinstance(document.get("nodes"), list):
        raise InvalidWorkflow("A workflow needs a list of nodes.")
    parsed: dict[str, Node] = {}
    for number, entry in enumerate(document["nodes"]):
        node = _parse_node(entry, number, types)
        if node.name in parsed:
            raise InvalidWorkflow(f"There are two nodes named '{node.name}'; names must be unique.")
        parsed[node.name] = node
    _connect(parsed, document.get("connections") or {})
    if not isinstance(document.get("settings") or {}, dict):
        raise InvalidWorkflow("The workflow's settings and pinData must be objects.")
    return parsed


def _parse_node(entry: Any, number: int, types: NodeTypes) -> Node:
    if not isinstance(entry, dict):
        raise InvalidWorkflow(f"Node {number} is not an object.")
    name, kind = entry.get("name"), entry.get("type")
    if not isinstance(name, str) or not name:
        raise InvalidWorkflow(f"Node {number} has no name.")
    if not isinstance(kind, str) or not kind:
        raise InvalidWorkflow(f"Node '{name}' has no type.")
    version = entry.get("typeVersion", 0)
    if isinstance(version, bool) or not isinstance(version, int | float):
        raise InvalidWorkflow(f"Node '{name}': typeVersion must be a number.")
    version = version or types.default_version(kind)
    parameters = entry.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InvalidWorkflow(f"Node '{name}': parameters must be an object.")
    node_type = types.find(kind, version)
    on_error = entry.get("onError") or ("continueRegularOutput" if entry.get("continueOnFail") else "stopWorkflow")
    return Node(
        name=name,
        type=kind,
        version=version,
        kind=node_type,
        parameters=node_type.read_parameters(parameters),
        position=_position(entry.get("position")),
        document=entry,
        disabled=bool(entry.get("disabled")),
        on_error=on_error if on_error in ("continueRegularOutput", "continueErrorOutput") else "stopWorkflow",
        always_output=bool(entry.get("alwaysOutputData")),
        execute_once=bool(entry.get("executeOnce")),
        tries=_tries(entry),
        retry_seconds=_retry_seconds(entry),
    )


def _tries(entry: dict[str, Any]) -> int:
    """How often to run the node before it counts as failed."""
    return min(5, max(2, math.ceil(_setting(entry.get("maxTries"), 3)))) if entry.get("retryOnFail") is True else 1


def _retry_seconds(entry: dict[str, Any]) -> float:
    """How long to wait before it is run again."""
    wait = entry.get("waitBetweenTries")
    return 1.0 if wait is None else min(5000.0, max(0.0, _setting(wait, 1000.0))) / 1000


def _setting(value: Any, default: float) -> float:
    """A number, or text that is one; what is empty, zero or neither leaves the default."""
    number = conversions.to_number(value) if isinstance(value, str | int | float) else default
    return number if number and math.isfinite(number) else default


def _position(value: Any) -> tuple[float, float]:
    if isinstance(value, list | tuple) and len(value) == 2:
        return _number(value[0], 0.0), _number(value[1], 0.0)
    return 0.0, 0.0


def _number(value: Any, default: float) -> float:
    return value if type(value) in _NUMBERS else default


def _connect(parsed: dict[str, Node], connections: Any) -> None:
    """Attach the `main` connections, which carry items, and the sub-nodes."""
    if not isinstance(connections, dict):
        raise InvalidWorkflow("The workflow's connections must be an object.")
    for source, kinds in connections.items():
        if source not in parsed:
            raise InvalidWorkflow(f"A connection starts at node '{source}', which is not in the workflow.")
        outputs = (kinds.get("main") or []) if isinstance(kinds, dict) else None
        if not isinstance(outputs, list) or not all(output is None or isinstance(output, list) for output in outputs):
            raise InvalidWorkflow(f"The connections of node '{source}' are malformed.")
        for index, output in enumerate(outputs):
            parsed[source].outputs.append([_parse_destination(parsed, source, target) for target in output or []])
            for connection in parsed[source].outputs[-1]:
                target = parsed[connection.node]
                target.origins.append((source, index))
                target.lines.append((source, connection.input))
        if len(kinds) > 1 or not outputs:
            _attach(parsed, source, kinds)


def _attach(parsed: dict[str, Node], source: str, kinds: dict[str, Any]) -> None:
    """Let a sub-node hang on the nodes that use it; as in n8n, what leads nowhere is left out."""
    for kind, outputs in kinds.items():
        if not kind.startswith("ai_") or not isinstance(outputs, list):
            continue
        for target in (target for output in outputs if isinstance(output, list) for target in output):
            name = target.get("node") if isinstance(target, dict) else None
            if isinstance(name, str) and name in parsed and name != source:
                index = target.get("index") or 0
                if isinstance(index, int):
                    parsed[name].attached.setdefault(kind, {}).setdefault(source, index)
                parsed[source].sub_node = True


def _parse_destination(parsed: dict[str, Node], source: str, target: Any) -> Destination:
    name = target.get("node") if isinstance(target, dict) else None
    if not isinstance(name, str) or name not in parsed:
        raise InvalidWorkflow(f"Node '{source}' is connected to '{name}', which is not in the workflow.")
    index = target.get("index", 0)
    if not isinstance(index, int) or index < 0:
        raise InvalidWorkflow(f"Node '{source}' is connected to input {index!r} of '{name}'.")
    parsed[name].input_count = max(parsed[name].input_count, index + 1)
    return Destination(name, index)


def _parse_pinned(name: str, items: Any) -> list[dict[str, Any]]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InvalidWorkflow(f"pinData of node '{name}' must be a list of items.")
    return [item if isinstance(item.get("json"), dict) else {"json": item} for item in items]
