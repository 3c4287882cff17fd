"""Node types made from the manifests of installed packages, for the engine, which knows nothing of packages.

A run's parameters are completed and evaluated here, all of them in one trip to the sandbox, so that what workflows
write never runs beside the code of packages; the package's process gets values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from app.engine.nodes.shared.questions import SEND_AND_WAIT, question
from app.engine.nodes.shared.trigger_items import pass_on
from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import EngineRequest
from app.engine.run.errors import NodeError, WaitRequested
from app.engine.run.items import Outputs
from app.engine.run.node_types import NodeType, NodeTypes
from app.packages import triggers
from app.packages.action import describe_call, evaluate, run_action
from app.packages.approvals import approval_of
from app.packages.descriptions import (
    complete,
    count_outputs,
    declared_credentials,
    is_connected_by_ai,
    issues_of,
    needed_credentials,
    needed_inputs,
    webhooks_of,
)
from app.packages.filters import evaluate_filters
from app.packages.host import Host
from app.packages.manifest import Description, Manifest, PackagedCredential, PackagedNode
from app.packages.parameters import with_defaults
from app.packages.sub_nodes import tool_of
from app.packages.tokens import Tokens
from app.triggers.packaged import CALL
from app.triggers.polls import EVERY_MINUTE

Json = dict[str, Any]
STARTS = frozenset({"trigger", "poll", "webhook"})
MAX_TOKENS = 1_000
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
        self.tokens = Tokens(MAX_TOKENS)
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
            "remembers": is_connected_by_ai(description),
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
            outputs=partial(count_outputs, description),
            inputs_needed=partial(needed_inputs, description),
            issues=partial(issues_of, description),
            credentials=partial(needed_credentials, description),
            complete=partial(complete, description),
            webhooks=partial(webhooks_of, node) if trigger and "webhook" in runs else None,
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


async def _start(packages: Packages, package: Installed, node: PackagedNode, context: NodeContext) -> Outputs | None:
    """A trigger in the execution that it has started: what it gave then goes on."""
    if "webhook" in node.runs and context.items and CALL in context.items[0]["json"]:
        return await triggers.take_call(packages, context)
    return pass_on(context)


async def _poll(packages: Packages, context: NodeContext) -> Outputs | None:
    told = await packages.describe(context)
    answer = await run_action(packages.host, context, told, packages.tokens, packages.describe, "poll")
    if isinstance(answer, EngineRequest):
        raise NodeError("The trigger asks for tools while it polls")
    return answer


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
