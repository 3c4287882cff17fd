"""Workflow documents for tests: nodes, lines between them, and the nodes that many tests use.

`workflow` and `chain` make a document as clients send it, `attach` hangs sub-nodes on its nodes, `stored` makes one as
it is stored.
"""

import itertools
from typing import Any

import orjson

Json = dict[str, Any]
Line = tuple[str, str] | tuple[str, int, str] | tuple[str, int, str, int]


def node(name: str, kind: str, parameters: Json | None = None, version: float = 1, **more: Any) -> Json:
    """One node of a workflow; the usual prefix of its type is added."""
    return {
        "id": name.lower()[:40],
        "name": name,
        "type": kind if "." in kind else f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "position": [0, 0],
        "parameters": parameters or {},
        **more,
    }


START = node("Start", "manualTrigger")


def no_op(name: str = "Done") -> Json:
    return node(name, "noOp")


def wait(seconds: float, name: str = "Wait") -> Json:
    return node(name, "wait", {"resume": "timeInterval", "amount": seconds, "unit": "seconds"}, 1.1)


def call_out(url: str, name: str = "Call out") -> Json:
    """An HTTP Request node that asks for an address."""
    return node(name, "httpRequest", {"url": url, "options": {}}, 4.2)


def stop_and_error(message: str = "halted", name: str = "Halt") -> Json:
    return node(name, "stopAndError", {"errorMessage": message})


def code(source: str, name: str = "Code") -> Json:
    return node(name, "code", {"jsCode": source}, 2)


def set_field(field: str, value: str, name: str = "Edit") -> Json:
    """An Edit Fields node with one field of text."""
    return node(name, "set", assign((field, "string", value)), 3.4)


def assign(*fields: tuple[str, str, Any], **more: Any) -> Json:
    """Parameters of an Edit Fields node: (name, type, value) each."""
    assignments = [{"name": name, "type": kind, "value": value} for name, kind, value in fields]
    return {"assignments": {"assignments": assignments}, "options": {}, **more}


def condition(left: Any, kind: str, operation: str, right: Any = "", **options: Any) -> Json:
    """Parameters of an IF or Filter node with one condition."""
    entry = {"leftValue": left, "rightValue": right, "operator": {"type": kind, "operation": operation}}
    return {"conditions": {"options": options, "conditions": [entry], "combinator": "and"}}


def workflow(nodes: list[Json], *lines: Line, **more: Any) -> Json:
    """A workflow; a line is (from, to), (from, output, to) or (from, output, to, input)."""
    connections: Json = {}
    for line in lines:
        source, target = line[0], line[1] if len(line) == 2 else line[2]
        output, index = line[1] if len(line) > 2 else 0, line[3] if len(line) == 4 else 0
        outputs = connections.setdefault(source, {"main": []})["main"]
        outputs.extend([] for _ in range(output + 1 - len(outputs)))
        outputs[output].append({"node": target, "type": "main", "index": index})
    return {"name": "Test", "nodes": nodes, "connections": connections, "settings": {"executionOrder": "v1"}, **more}


def attach(document: Json, *lines: tuple[str, str, str]) -> Json:
    """The workflow with sub-nodes attached to the nodes that they serve: (sub-node, kind such as ai_tool, node)."""
    for source, kind, target in lines:
        outputs = document["connections"].setdefault(source, {}).setdefault(kind, [[]])
        outputs[0].append({"node": target, "type": kind, "index": 0})
    return document


def chain(*nodes: Json, **more: Any) -> Json:
    """A workflow in which each node follows the one before it."""
    return workflow(list(nodes), *((a["name"], b["name"]) for a, b in itertools.pairwise(nodes)), **more)


def stored(*nodes: Json, trigger: Json = START, lines: list[Line] | None = None, **settings: Any) -> bytes:
    """What is stored of a workflow: a trigger and nodes in a row, or connected as `lines` say."""
    every = [trigger, *nodes]
    whole = chain(*every) if lines is None else workflow(every, *lines)
    del whole["name"]
    return orjson.dumps({**whole, "settings": {"executionOrder": "v1", "timezone": "UTC", **settings}})
