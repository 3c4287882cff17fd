"""Node types made from the manifests of installed packages, for the engine, which knows nothing of packages.

A run's parameters are completed and evaluated here, all of them in one trip to the sandbox, so that what workflows
write never runs beside the code of packages; the package's process gets values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from app.bounded_dict import BoundedDict
from app.engine.nodes.shared.passing import pass_on
from app.engine.nodes.shared.questions import SEND_AND_WAIT, question
from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import EngineRequest
from app.engine.run.errors import NodeError, WaitRequested
from app.engine.run.issues import Issue
from app.engine.run.items import Outputs
from app.engine.run.node_types import NodeType, NodeTypes
from app.engine.values import conversions
from app.packages import triggers
from app.packages.action import describe_call, evaluate, run_action
from app.packages.approvals import approval_of
from app.packages.filters import evaluate_filters
from app.packages.host import Host
from app.packages.issues import find_issues
from app.packages.manifest import Description, Manifest, PackagedCredential, PackagedNode
from app.packages.parameters import is_shown, with_defaults
from app.packages.sub_nodes import tool_of
from app.packages.surroundings import Tokens

Json = dict[str, Any]
PARAMETER = re.compile(r"""=\{\{ ?\$parameter\[["'](\w+)["']\] ?\}\}""")
STARTS = frozenset({"trigger", "poll", "webhook"})
MAX_TOKENS = 1_000
EVERY_MINUTE = {"item": [{"mode": "everyMinute"}]}
BESIDE = frozenset({"@n8n/n8n-nodes-langchain.code"})
"""Types of packages that run what workflows say as programs, in their own process."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A package on this machine: the folder with its package.json, and what it offers."""

    folder: Path
    manifest: Manifest


class Packages:
    """The packages that a worker runs, by one host."""

    def __init__(self, host: Host, installed: Iterable[Installed]) -> None:
        self.host = host
        self.installed = tuple(installed)
        self.tokens: Tokens = BoundedDict(MAX_TOKENS)
        self._credentials = {
            credential.name: (package, credential)
            for package in reversed(self.installed)
            for credential in package.manifest.credentials
        }

    def node_types(self, own: NodeTypes) -> NodeTypes:
        """All node types: our own, and of the packages those that have another name."""
        types = NodeTypes()
        taken = set(own.versions())
        for node_type in own.all():
            types.add(node_type)
        for package in self.installed:
            for node in package.manifest.nodes:
                if node.type not in taken:
                    taken.add(node.type)
                    for description in node.descriptions:
                        with suppress(ValueError):  # the package describes a version twice: the first one counts
                            types.add(self._node_type(package, node, description))
        return types

    @property
    def credential_names(self) -> list[str]:
        """The names of all credential types."""
        return list(self._credentials)

    @property
    def node_names(self) -> list[str]:
        """The names of all node types."""
        return [node.type for package in self.installed for node in package.manifest.nodes]

    def credential(self, name: str) -> PackagedCredential | None:
        """The credential type of that name, of any package."""
        return self._credentials[name][1] if name in self._credentials else None

    def tester(self, credential: str) -> tuple[Json, str] | None:
        """Where the class of a node stands that tries credentials of that type, and its function for it."""
        for package in self.installed:
            for node in package.manifest.nodes:
                if (node_tester := node.tester(credential)) is not None:
                    version, function = node_tester
                    return place_of(package, node, version), function
        return None

    def credential_types(self, names: Iterable[str]) -> Json:
        """What the process needs to know of these types and of all that they extend, by name."""
        types: Json = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in types:
                continue
            package, credential = self._credentials.get(name, (None, None))
            types[name] = {} if package is None or credential is None else _location(package, credential)
            waiting += () if credential is None else credential.extends
        return types

    async def describe(self, context: NodeContext) -> Json:
        """What a process is told to run a node, or to let it serve another one. Raises NodeError."""
        run = context.node.kind.run
        if not (isinstance(run, partial) and run.func in (_run, _start)):
            return {**describe_call(context), **await tool_of(context), "package": None, "credentialTypes": {}}
        _, package, node = run.args
        if node.type in BESIDE:
            raise NodeError(
                f"{node.type} is not offered here: it runs programs of workflows beside the code of packages",
                description="Use a Code node instead, or the tool for code.",
            )
        description = node.description(context.version) or {}
        declared = declared_credentials(description, context.parameters)
        parameters = with_defaults(description.get("properties") or [], context.parameters, context.version)
        if "poll" in node.runs:
            # No package describes it: each trigger that looks has it.
            parameters["pollTimes"] = context.parameters.get("pollTimes") or EVERY_MINUTE
        supplies = "supplyData" in node.runs
        hangs = context.anchor is not None and context.query is None
        # One that asks people is run by the engine, and supplies nothing of its own.
        supplies = supplies and not context.node.kind.gates
        told = (
            await tool_of(context) if hangs and not supplies else await self._values(context, description, parameters)
        )
        return {
            **describe_call(context),
            **told,
            "package": place_of(package, node, context.version),
            "remembers": _is_connected_by_ai(description),
            "credentialTypes": self.credential_types(declared),
        }

    async def _values(self, context: NodeContext, description: Json, parameters: Json) -> Json:
        filters = await evaluate_filters(context, description.get("properties") or [], parameters)
        return {**(await evaluate(context, parameters)).to_json(), "filters": filters}

    def _node_type(self, package: Installed, node: PackagedNode, description: Description) -> NodeType:
        runs = frozenset(node.runs)
        document = description.document
        # A described node may have a webhook, too: for the answers of the people whom it asks.
        acts = "execute" in runs or ("requestDefaults" in document and document.get("inputs"))
        trigger = bool(runs & STARTS) and not acts
        return NodeType(
            node.type,
            tuple(dict.fromkeys(description.versions)),
            partial(_start if trigger else _run, self, package, node),
            trigger=trigger,
            poll=partial(_poll, self) if trigger and "poll" in runs else None,
            passive="supplyData" in runs and "execute" not in runs,
            exact=True,
            outputs=partial(_count_outputs, description),
            inputs_needed=partial(_needed_inputs, description),
            issues=partial(_issues, description),
            credentials=partial(_needed_credentials, description),
            complete=partial(_complete, description),
            webhooks=partial(_webhooks, node) if trigger and "webhook" in runs else None,
            arrange=partial(triggers.arrange, self) if trigger and "webhook" in runs else None,
            listen=partial(triggers.listen, self) if trigger and "trigger" in runs else None,
            approval=approval_of(description.document),
        )


async def _run(
    packages: Packages, package: Installed, node: PackagedNode, context: NodeContext
) -> Outputs | EngineRequest | None:
    told = await packages.describe(context)
    if told["parameters"].get("chatApproval") is True and told["parameters"].get("operation") == SEND_AND_WAIT:
        raise NodeError(
            "Approval within the chat itself is not offered here",
            description="Switch it off: the message has links then, which do the same.",
        )
    try:
        return await run_action(packages.host, context, told, packages.tokens, packages.describe)
    except WaitRequested as wait:
        if told["parameters"].get("operation") != SEND_AND_WAIT or not context.execution.ports.may_wait:
            raise
        raise WaitRequested(wait.until, "webhook", await question(context)) from wait


def _webhooks(node: PackagedNode, parameters: Json, version: float) -> list[Json]:
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


async def _start(packages: Packages, package: Installed, node: PackagedNode, context: NodeContext) -> Outputs | None:
    """A trigger in the execution that it has started: what it gave then goes on."""
    if "webhook" in node.runs and context.items and triggers.CALL in context.items[0]["json"]:
        return await triggers.take_call(packages, context)
    return pass_on(context)


async def _poll(packages: Packages, context: NodeContext) -> Outputs | None:
    told = await packages.describe(context)
    answer = await run_action(packages.host, context, told, packages.tokens, packages.describe, "poll")
    if isinstance(answer, EngineRequest):
        raise NodeError("The trigger asks for tools while it looks")
    return answer


def _is_connected_by_ai(description: Mapping[str, Any]) -> bool:
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


def _location(package: Installed, credential: PackagedCredential) -> Json:
    return {
        "folder": str(package.folder),
        "file": credential.file,
        "className": credential.class_name,
        "extends": credential.extends,
        "open": [str(each.get("name")) for each in credential.properties if not _is_secret(each)],
    }


def place_of(package: Installed, node: PackagedNode, version: float) -> Json:
    """What a process is told of where the class of a node stands."""
    return {"folder": str(package.folder), "file": node.file, "className": node.class_name, "version": version}


def _is_secret(described: Mapping[str, Any]) -> bool:
    """Whether what a field of a credential holds is to be hidden wherever it is repeated."""
    options = described.get("typeOptions") or {}
    return described.get("type") == "hidden" or bool(options.get("password") or options.get("expirable"))


def _count_outputs(description: Description, parameters: Json) -> int:
    outputs = description.document.get("outputs")
    kinds = (
        [each.get("type") if isinstance(each, dict) else each for each in outputs] if isinstance(outputs, list) else []
    )
    return kinds.count("main") if kinds else 1


def _needed_inputs(description: Description, parameters: Json) -> list[int] | int | None:
    needed = description.document.get("requiredInputs")
    if isinstance(needed, list):
        return [each for each in needed if isinstance(each, int)]
    return needed if isinstance(needed, int) and not isinstance(needed, bool) else None


def _issues(description: Description, parameters: Json, version: float) -> list[Issue]:
    return find_issues(description.document.get("properties") or [], parameters, version)


def _complete(description: Description, parameters: Json, version: float) -> Json:
    return with_defaults(description.document.get("properties") or [], parameters, version)


def _needed_credentials(description: Description, parameters: Json, version: float) -> list[str]:
    document = description.document
    made = with_defaults(document.get("properties") or [], parameters, version)
    return [
        str(each["name"])
        for each in document.get("credentials") or []
        if each.get("required") and is_shown(each, made, made, version)
    ]
