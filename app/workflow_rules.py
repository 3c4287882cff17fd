"""The engine's rules about workflows, for those who must not know the engine."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from app.engine.run import checks, graph, parsing, restart
from app.engine.run.errors import NodeError
from app.engine.run.first_failure import begins_at_failure
from app.engine.run.node_types import NodeTypes
from app.engine.run.ports import Ports
from app.engine.run.static_parameters import all_with_values, has_expressions, value_for
from app.engine.sandbox import Sandbox
from app.schemas.workflows import UnusableWorkflow
from app.triggers import has_trigger, trigger_nodes
from app.triggers.chats import chat_nodes
from app.triggers.packaged import CalledNode
from app.triggers.schedules import TYPES as SCHEDULES

NO_TRIGGER = (
    "Workflow cannot be activated because it has no trigger node. At least one trigger, webhook, or polling node is "
    "required."
)

CALLED = (
    "Node '{name}': it is a trigger, and has nothing that could start the workflow here. "
    "Use a Webhook or a Schedule Trigger node with the package's actions instead"
)

ACTIVATION_SECONDS = 5.0
"""How long the expressions of all webhooks and schedules of a workflow may take together."""
TOO_SLOW = f"The expressions of the workflow's triggers take longer than {ACTIVATION_SECONDS:g} seconds"


def starting_nodes(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The triggers whose parameters are needed while nothing runs."""
    return [*trigger_nodes(dict(document), "webhook", "formTrigger", *SCHEDULES), *chat_nodes(document)]


class EngineRules:
    """What can run: see app.schemas.workflows.WorkflowRules."""

    def __init__(
        self,
        types: NodeTypes,
        timezone: str = "UTC",
        ask: Callable[[], None] = lambda: None,
        catch_up: Callable[[], None] = lambda: None,
    ) -> None:
        """`ask` is called before the types are used: it sees to it that they are those of a moment ago.

        `catch_up` is called before one is refused that is not known: then they are those of now.
        """
        self._types = types
        self._ask = ask
        self._catch_up = catch_up
        self._timezone = timezone

    def check_graph(self, document: Mapping[str, Any]) -> None:
        """See `WorkflowRules.check_graph`."""
        self._ask()
        try:
            parsing.check_structure(dict(document), self._types)
        except graph.InvalidWorkflow as error:
            raise UnusableWorkflow(str(error)) from error

    def check_activation(self, document: Mapping[str, Any]) -> None:
        """See `WorkflowRules.check_activation`; the first of these that is wrong is what the message says."""
        parsed = self._parse_to_run(document)
        try:
            checks.check_bounds(parsed)
            checks.check_installed(parsed, (node for node in parsed.nodes.values() if not node.disabled))
        except graph.InvalidWorkflow as error:
            raise UnusableWorkflow(str(error)) from error
        packaged = [node for node in parsed.nodes.values() if self._is_packaged_trigger(node)]
        for node in packaged:
            if node.kind.poll is None and node.kind.listen is None and node.kind.webhooks is None:
                raise UnusableWorkflow(CALLED.format(name=node.name))
        if not packaged and not has_trigger(document):
            raise UnusableWorkflow(NO_TRIGGER)
        try:
            checks.check_configured(parsed)
        except graph.InvalidWorkflow as error:
            raise UnusableWorkflow(str(error)) from error

    def starts_by_expressions(self, document: dict[str, Any]) -> bool:
        """See `WorkflowRules.starts_by_expressions`."""
        return bool(self._nodes_with_expressions(document))

    def _nodes_with_expressions(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """The nodes whose expressions say when a workflow is started."""
        return [node for node in (*starting_nodes(document), *self._poll_times(document)) if has_expressions(node)]

    def without_expressions(
        self, document: dict[str, Any], read_variables: Callable[[], dict[str, str]]
    ) -> dict[str, Any]:
        """See `WorkflowRules.without_expressions`; refuses what takes too long."""
        asking = self._nodes_with_expressions(document)
        if not asking:
            return document

        async def read() -> dict[str, str]:
            return read_variables()

        ports = Ports(timezone=self._timezone, variables=read)
        try:
            made = asyncio.run(evaluate_nodes(document, asking, self._types, ports))
        except TimeoutError:
            raise UnusableWorkflow(TOO_SLOW) from None
        except (graph.InvalidWorkflow, NodeError) as error:
            raise UnusableWorkflow(str(error)) from error
        nodes = [made.get(node.get("name"), node) for node in document["nodes"]]
        return {**document, "nodes": nodes}

    def _is_packaged_trigger(self, node: graph.Node) -> bool:
        return node.trigger and not node.disabled and node.type not in self._types

    def polling_nodes(self, document: Mapping[str, Any]) -> list[str]:
        """See `WorkflowRules.polling_nodes`."""
        nodes = self._parse(document).nodes.values()
        return [node.name for node in nodes if node.kind.poll is not None and not node.disabled]

    def listening_nodes(self, document: Mapping[str, Any]) -> list[str]:
        """See `WorkflowRules.listening_nodes`."""
        nodes = self._parse(document).nodes.values()
        return [node.name for node in nodes if node.kind.listen is not None and not node.disabled]

    def called_nodes(
        self, document: Mapping[str, Any], read_variables: Callable[[], dict[str, str]]
    ) -> list[CalledNode]:
        """See `WorkflowRules.called_nodes`; refuses what takes too long."""
        parsed = self._parse(document)
        called = [node for node in parsed.nodes.values() if node.kind.webhooks is not None and not node.disabled]
        if not called:
            return []

        async def read() -> dict[str, str]:
            return read_variables()

        try:
            return asyncio.run(describe_calls(parsed, called, Ports(timezone=self._timezone, variables=read)))
        except TimeoutError:
            raise UnusableWorkflow(TOO_SLOW) from None
        except NodeError as error:
            raise UnusableWorkflow(str(error)) from error

    def _poll_times(self, document: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The triggers that look for something new, with nothing but when they do."""
        names = self.polling_nodes(document)
        return [
            {**node, "parameters": {"pollTimes": (node.get("parameters") or {}).get("pollTimes")}}
            for node in document["nodes"]
            if node["name"] in names
        ]

    def check_run(self, document: Mapping[str, Any], start_node: str | None) -> None:
        """See `WorkflowRules.check_run`; the start node must be a trigger that is switched on."""
        parsed = self._parse_to_run(document)
        try:
            checks.check_runnable(parsed)
            start = parsed.start_node(start_node)
        except graph.InvalidWorkflow as error:
            raise UnusableWorkflow(str(error)) from error
        if not start.trigger:
            raise UnusableWorkflow(f"The start node '{start.name}' is not a trigger.")
        if start.disabled:
            raise UnusableWorkflow(f"The start node '{start.name}' is disabled.")

    def check_restart(self, data: bytes | None, node: str, run: int) -> bool:
        """See `WorkflowRules.check_restart`."""
        try:
            return restart.check_restart(data, node, run)
        except restart.CannotRestart as error:
            raise UnusableWorkflow(str(error)) from error

    def begins_at_failure(self, data: bytes | None) -> bool:
        """See `WorkflowRules.begins_at_failure`."""
        return begins_at_failure(data)

    def _parse_to_run(self, document: Mapping[str, Any]) -> graph.Graph:
        """The same; where a type is not known, with those that are known at this very moment."""
        parsed = self._parse(document)
        if all(node.kind.installed for node in parsed.nodes.values()):
            return parsed
        self._catch_up()
        return self._parse(document)

    def _parse(self, document: Mapping[str, Any]) -> graph.Graph:
        self._ask()
        try:
            return parsing.parse_workflow(dict(document), self._types)
        except graph.InvalidWorkflow as error:
            raise UnusableWorkflow(str(error)) from error


async def evaluate_nodes(
    document: dict[str, Any], nodes: list[dict[str, Any]], types: NodeTypes, ports: Ports
) -> dict[str, dict[str, Any]]:
    """The nodes, by name, with their expressions evaluated. Raises TimeoutError when all of them take too long."""
    async with Sandbox(spares=0) as sandbox, asyncio.timeout(ACTIVATION_SECONDS):
        made = await all_with_values(document, nodes, sandbox, types, ports)
    return {node["name"]: node for node in made}


async def describe_calls(parsed: graph.Graph, nodes: list[graph.Node], ports: Ports) -> list[CalledNode]:
    """Where the nodes are called, the expressions of their descriptions evaluated. Raises TimeoutError, NodeError."""
    problems = []
    async with Sandbox(spares=0) as sandbox, asyncio.timeout(ACTIVATION_SECONDS):
        for node in nodes:
            given = node.kind.webhooks(node.parameters, node.version) if node.kind.webhooks is not None else []
            problems.append(CalledNode(node.document, await value_for(parsed, node.name, given, sandbox, ports)))
    return problems
