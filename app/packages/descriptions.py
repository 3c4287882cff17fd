"""What the description of a package's node says to the engine: its outputs, inputs, credentials, issues, webhooks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.engine.run.issues import Issue
from app.engine.values import conversions
from app.packages.issues import find_issues
from app.packages.manifest import Description, PackagedNode
from app.packages.parameters import is_shown, with_defaults

Json = dict[str, Any]
PARAMETER = re.compile(r"""=\{\{ ?\$parameter\[["'](\w+)["']\] ?\}\}""")


def webhooks_of(node: PackagedNode, parameters: Json, version: float) -> list[Json]:
    """Where a node is called; what waits in the course of an execution is not among it."""
    description = node.description(version) or {}
    made = with_defaults(description.get("properties") or [], parameters, version)
    described = [each for each in description.get("webhooks") or [] if isinstance(each, dict)]
    return [
        {name: _parameter_of(value, made) for name, value in each.items()}
        for each in described
        if not each.get("restartWebhook")
    ]


def _parameter_of(value: Any, parameters: Json) -> Any:
    """The parameter that a description names, which may be one that the workflow leaves at its default."""
    match = PARAMETER.fullmatch(value) if isinstance(value, str) else None
    return value if match is None or match[1] not in parameters else parameters[match[1]]


def is_connected_by_ai(description: Mapping[str, Any]) -> bool:
    """Whether a node is one of those whose packages keep something in their process: memories, stores of vectors."""
    return any(
        '"ai_' in conversions.to_json_text(description.get(side)) or "'ai_" in str(description.get(side))
        for side in ("inputs", "outputs")
    )


def declared_credentials(description: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[str]:
    """The types of credentials that a node may ask for: those of its description, and one that its user chooses."""
    names = [
        str(each["name"]) for each in description.get("credentials") or [] if isinstance(each, dict) and "name" in each
    ]
    for each in description.get("properties") or []:
        if isinstance(each, dict) and each.get("type") == "credentialsSelect":
            chosen = parameters.get(str(each.get("name")))
            names += [chosen] if isinstance(chosen, str) and chosen else []
    return names


def count_outputs(description: Description, parameters: Json) -> int:
    """How many regular outputs the node has; 1 where an expression says it."""
    outputs = description.document.get("outputs")
    kinds = (
        [each.get("type") if isinstance(each, dict) else each for each in outputs] if isinstance(outputs, list) else []
    )
    return kinds.count("main") if kinds else 1


def needed_inputs(description: Description, parameters: Json) -> list[int] | int | None:
    """Which inputs, or how many, must have data before the node runs; None: any one."""
    needed = description.document.get("requiredInputs")
    if isinstance(needed, list):
        return [each for each in needed if isinstance(each, int)]
    return needed if isinstance(needed, int) and not isinstance(needed, bool) else None


def issues_of(description: Description, parameters: Json, version: float) -> list[Issue]:
    """What is wrong with the parameters of a node."""
    return find_issues(description.document.get("properties") or [], parameters, version)


def complete(description: Description, parameters: Json, version: float) -> Json:
    """The parameters, with the defaults of those that are not given."""
    return with_defaults(description.document.get("properties") or [], parameters, version)


def needed_credentials(description: Description, parameters: Json, version: float) -> list[str]:
    """The types of the credentials that the node cannot do without, by its parameters."""
    document = description.document
    made = with_defaults(document.get("properties") or [], parameters, version)
    return [
        str(each["name"])
        for each in document.get("credentials") or []
        if each.get("required") and is_shown(each, made, made, version)
    ]
