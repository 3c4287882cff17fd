"""What a package's node offers in forms: the options of a parameter, a list to search in, the fields of a table.

The code of the package asks its service for them, with the node's credentials and the parameters that are filled in
so far. Which code that is, the description of the node says, or its name among the functions of the node's type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.packages.action import request_of
from app.packages.form_questions import SECONDS, NotOffered
from app.packages.host_calls import call_host, node_error, owner_of
from app.packages.host_errors import HostError
from app.packages.manifest import PackagedNode
from app.packages.runtime import PackageRuntime
from app.packages.surroundings import Surroundings

Json = dict[str, Any]
LOAD_SECONDS = 300.0
"""So long a large package may take to be loaded where it was not: who asks again then finds it there."""
MAX_ANSWER_BYTES = 4 * 2**20
METHODS = {
    "options": "loadOptions",
    "resource-locator-results": "listSearch",
    "resource-mapper-fields": "resourceMapping",
}
"""What is asked for, as n8n calls it, and what packages call the functions that answer."""
NAME = "Node"


def check_question(find: Callable[[str], PackagedNode | None], node_type: str, question: Mapping[str, Any]) -> str:
    """The name of the node's type, by which a worker knows it; `find` gives the type of a name.

    Raises NotOffered for what no code of the node answers. Questions: see NodeChoices.
    """
    node = find(node_type)
    if node is None:
        raise NotOffered(f"No package here has the node type {node_type}")
    description = node.description(question["version"])
    if description is None:
        raise NotOffered(f"{node.type} has no version {question['version']:g}")
    functions, method = METHODS[question["kind"]], question["method"]
    if method is None:
        if question["kind"] == "options" and described_options(description, question["path"]) is not None:
            return node.type
        raise NotOffered(f"{node.type} describes no options of {question['path']}: name the method that loads them")
    if method not in node.methods.get(functions, ()):
        raise NotOffered(f"{node.type} has no method {method} among its {functions}")
    return node.type


def described_options(description: Mapping[str, Any], path: str) -> Json | None:
    """The request by which the options of a parameter are loaded, where its description says that; `path` is dotted."""
    steps = path.removeprefix("parameters.").split(".")
    for found in _properties_at(description.get("properties"), [step.partition("[")[0] for step in steps]):
        options = found.get("typeOptions")
        loaded = options.get("loadOptions") if isinstance(options, dict) else None
        routing = loaded.get("routing") if isinstance(loaded, dict) else None
        if isinstance(routing, dict):
            return routing
    return None


def _properties_at(properties: Any, steps: list[str]) -> Iterator[Json]:
    """The descriptions of the parameter at a path, of which a node may have several."""
    for each in properties if isinstance(properties, list) else ():
        if not isinstance(each, dict) or each.get("name") != steps[0]:
            continue
        if len(steps) == 1:
            yield each
        elif each.get("type") == "fixedCollection":
            groups = each.get("options")
            for group in groups if isinstance(groups, list) else ():
                if isinstance(group, dict) and len(steps) > 2 and group.get("name") == steps[1]:
                    yield from _properties_at(group.get("values"), steps[2:])
        else:
            yield from _properties_at(each.get("options"), steps[1:])


def node_asked(kind: str, question: Mapping[str, Any]) -> Json:
    """The node that a question is about, as a workflow would hold it."""
    return {
        "id": "",
        "name": NAME,
        "type": kind,
        "typeVersion": question["version"],
        "position": [0, 0],
        "parameters": question["parameters"],
        "credentials": question["credentials"],
    }


async def find_choices(packages: PackageRuntime, context: NodeContext, question: Json) -> bytes:
    """What the node offers, as JSON. Raises NodeError, in which nothing of its credentials is told."""
    told = await packages.describe(context)
    if told["package"] is None:
        raise NodeError("This node type is not from a package")
    surroundings = Surroundings(context, told["credentialTypes"], packages.tokens, packages.describe)
    asked = {name: question.get(name) for name in ("kind", "method", "path", "filter", "paginationToken")}
    asked["functions"] = METHODS[question["kind"]]
    request = {**request_of(context, "choices", told), "choice": asked}
    loading = {"kind": "load", "package": told["package"]}
    try:
        await packages.host.call(loading, seconds=LOAD_SECONDS, **owner_of(context), awaited=True)
    except HostError as error:
        raise node_error(error, context) from error
    answer = await call_host(packages.host, context, surroundings, request, service_seconds=SECONDS, awaited=True)
    if isinstance(error_shown := answer.get("error"), dict):
        raise NodeError(surroundings.mask.text(str(error_shown.get("message") or "Unknown error")))
    text = json.dumps(answer.get("choices"), separators=(",", ":")).encode()
    if len(text) > MAX_ANSWER_BYTES:
        raise NodeError(f"The node offers more than {MAX_ANSWER_BYTES:,} bytes of choices")
    return surroundings.mask.json(text)


def read_question(text: str | bytes) -> Json:
    """A question as it was asked."""
    question: Json = orjson.loads(text)
    return question
