"""What a trigger sees while it looks or listens: its node in its workflow, with no input and no execution."""

from typing import Any

import orjson

from app.engine.run.context import NodeContext
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.node_types import NodeTypes
from app.engine.run.parsing import parse_workflow
from app.engine.run.state import RunState
from app.engine.run.static_data import StaticData
from app.engine.sandbox import Sandbox
from app.repository import static_data
from app.repository.static_data import StaticChange
from app.repository.trigger_nodes import TriggerNode
from app.worker.database import Database
from app.worker.reach import Reach
from app.worker.texts import strip_unstorable
from app.worker.tracing import TellEnded

MODE = "trigger"
NO_OP = "n8n-nodes-base.noOp"


class TriggerContexts:
    """Makes the contexts of triggers on one worker."""

    def __init__(
        self,
        sandbox: Sandbox,
        types: NodeTypes,
        reach: Reach,
        database: Database,
        tell_ended: TellEnded | None = None,
    ) -> None:
        """`tell_ended` is told of executions that have ended without having run."""
        self.tell_ended = tell_ended
        self._sandbox = sandbox
        self._types = types
        self._reach = reach
        self.database = database

    async def context(self, trigger: TriggerNode) -> NodeContext:
        """What the trigger's node sees, its workflow's static data read anew.

        Raises InvalidWorkflow and KeyError for a node that is not there, psycopg.OperationalError.
        """
        parts = await self.database.transact(static_data.read_parts, trigger.workflow_id)
        document = {**orjson.loads(trigger.definition), "id": trigger.workflow_id, "name": trigger.name, "active": True}
        context = self._context(trigger.project_id, document, trigger.node)
        context.state.static_data = StaticData({scope: orjson.loads(part) for scope, part in parts.items()})
        return context

    def of_credential(self, project_id: str, credential_id: str, kind: str) -> NodeContext:
        """What a node would see that is in no workflow, and does nothing but name this credential of that type."""
        node = {"name": "Credential", "type": NO_OP, "typeVersion": 1, "position": [0, 0], "parameters": {}, "id": ""}
        return self.of_node(project_id, {**node, "credentials": {kind: {"id": credential_id, "name": ""}}})

    def of_node(self, project_id: str, node: dict[str, Any]) -> NodeContext:
        """What a node sees that is in no workflow of the project. Raises InvalidWorkflow."""
        document = {"nodes": [node], "connections": {}, "id": "", "name": ""}
        return self._context(project_id, document, node["name"])

    def _context(self, project_id: str, document: dict[str, Any], node: str) -> NodeContext:
        ports = self._reach.trigger_ports(project_id)
        state = RunState(parse_workflow(document, self._types, ports.timezone))
        return NodeContext(
            node=state.graph.nodes[node],
            inputs=[[{"json": {}}]],
            sources=None,
            run_index=0,
            state=state,
            sandbox=self._sandbox.for_project(project_id),
            execution=ExecutionInfo("", MODE, ports),
        )


def changes_of(trigger: TriggerNode, context: NodeContext) -> list[StaticChange]:
    """What the trigger has changed of its workflow's static data since it was asked last."""
    data = context.state.static_data
    changes = [
        StaticChange(trigger.workflow_id, strip_unstorable(scope), orjson.dumps(part, default=str))
        for scope, part in data.changes().items()
    ]
    data.changed.clear()
    return changes
