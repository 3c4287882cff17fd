"""Small workflows for the tests of the worker: a chain of nodes after a manual trigger."""

import itertools
from typing import Any

import orjson

START = ("Start", "manualTrigger", 1, {})


def chain(*nodes: tuple[str, str, float, dict[str, Any]]) -> bytes:
    """A workflow definition of nodes in a row, each as (name, type, version, parameters)."""
    whole = (START, *nodes)
    return orjson.dumps(
        {
            "nodes": [
                {
                    "id": name.lower(),
                    "name": name,
                    "type": f"n8n-nodes-base.{kind}",
                    "typeVersion": version,
                    "position": [200 * index, 0],
                    "parameters": parameters,
                }
                for index, (name, kind, version, parameters) in enumerate(whole)
            ],
            "connections": {
                before[0]: {"main": [[{"node": after[0], "type": "main", "index": 0}]]}
                for before, after in itertools.pairwise(whole)
            },
            "settings": {"executionOrder": "v1", "timezone": "UTC"},
        }
    )


def no_op(name: str = "Done") -> tuple[str, str, float, dict[str, Any]]:
    return (name, "noOp", 1, {})


def wait(seconds: float, name: str = "Wait") -> tuple[str, str, float, dict[str, Any]]:
    return (name, "wait", 1.1, {"resume": "timeInterval", "amount": seconds, "unit": "seconds"})


def stop_and_error(message: str = "halted", name: str = "Halt") -> tuple[str, str, float, dict[str, Any]]:
    return (name, "stopAndError", 1, {"errorMessage": message})


def code(source: str, name: str = "Code") -> tuple[str, str, float, dict[str, Any]]:
    return (name, "code", 2, {"jsCode": source})


def set_field(field: str, value: str, name: str = "Edit") -> tuple[str, str, float, dict[str, Any]]:
    assignment = {"id": "1", "name": field, "type": "string", "value": value}
    return (name, "set", 3.4, {"assignments": {"assignments": [assignment]}, "options": {}})
