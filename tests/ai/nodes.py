"""Node types that behave as those of n8n's AI package do where the recorded cases look: written for these tests."""

import ast
import json
import operator
from typing import Any

from app.engine.nodes import load
from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import EngineRequest
from app.engine.run.errors import NodeError
from app.engine.run.graph import Node
from app.engine.run.items import Outputs
from app.engine.run.node_types import NodeType, NodeTypes
from app.engine.run.sub_nodes import attached, begin_use, context_of, end_use, supplied_one
from tests.ai.scripts import answer

PREFIX = "@n8n/n8n-nodes-langchain."
MODEL = "ai_languageModel"
USAGE = {"completionTokens": 5, "promptTokens": 10, "totalTokens": 15}


class Model:
    """What a model's sub-node supplies: it answers, and notes that it did."""

    def __init__(self, node: Node, name: str) -> None:
        self._node, self._name = node, name

    def ask(self, root: NodeContext, messages: list[dict[str, Any]]) -> dict[str, Any]:
        index = begin_use(root, self._node, MODEL, [{"json": {"messages": [str(messages)]}}])
        said = answer(self._name, messages)
        if said is None:
            message = "The resource you are requesting could not be found"
            end_use(root, self._node, MODEL, index, error={"message": message})
            raise NodeError(message)
        reason = "tool_calls" if said.get("tool_calls") else "stop"
        generation = {"text": said["content"] or "", "generationInfo": {"finish_reason": reason}}
        given = {"response": {"generations": [[generation]]}, "tokenUsage": USAGE}
        end_use(root, self._node, MODEL, index, items=[{"json": given}])
        return said


async def supply_model(context: NodeContext) -> Model:
    if not context.parameters["model"]:
        raise NodeError("Node does not have any credentials set")
    return Model(context.node, await context.resolve_with(context.parameters["model"]["value"], {}, 0))


async def chain(context: NodeContext) -> Outputs:
    model = await supplied_one(context, MODEL, "Model")
    texts = await context.resolve(context.parameters["text"])
    # n8n asks for all items at once, so that the second is asked even when the first fails.
    answers, failure = [], None
    for text in texts:
        try:
            answers.append({"json": {"text": model.ask(context, [{"role": "user", "content": text}])["content"]}})
        except NodeError as error:
            failure = error
    if failure is not None:
        raise failure
    return [answers]


async def agent(context: NodeContext) -> Outputs | EngineRequest:
    model = await supplied_one(context, MODEL, "Chat Model")
    texts = await context.resolve(context.parameters["text"])
    response = context.response
    rounds = response.metadata["iterationCount"] if response is not None else 0
    most = (context.parameters.get("options") or {}).get("maxIterations", 10)
    if rounds >= most:
        raise NodeError(
            f"Max iterations ({most}) reached. The agent could not complete the task within the allowed number of "
            "iterations."
        )
    tools = {node.name: node for node in attached(context, "ai_tool")}
    actions, outputs = [], []
    for place, text in enumerate(texts):
        said = model.ask(context, [{"role": "user", "content": text}, *_results(context, place)])
        for call in said.get("tool_calls") or []:
            metadata = {"itemIndex": place, "toolName": call["function"]["name"]}
            name, given = call["function"]["name"], json.loads(call["function"]["arguments"])
            action = {"actionType": "ExecutionNodeAction", "nodeName": name, "input": given, "type": "ai_tool"}
            if name in tools:
                actions.append({**action, "id": call["id"], "metadata": metadata})
        outputs.append({"json": {"output": said["content"]}})
    if actions:
        return EngineRequest(actions, {"itemIndex": 0, "iterationCount": rounds + 1})
    return [outputs]


def _results(context: NodeContext, place: int) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for result in context.response.results if context.response is not None else []:
        if result.action["metadata"]["itemIndex"] == place:
            items = result.run["data"]["ai_tool"][0]
            text = json.dumps([item["json"] for item in items])
            messages += [{"role": "assistant", "content": ""}, {"role": "tool", "content": text}]
    return messages


async def calculate(context: NodeContext) -> Outputs:
    tree = ast.parse(context.items[0]["json"]["input"], mode="eval").body
    assert isinstance(tree, ast.BinOp)
    work = {ast.Mult: operator.mul, ast.Add: operator.add}[type(tree.op)]
    return [[{"json": {"response": str(work(tree.left.value, tree.right.value))}}]]  # type: ignore[attr-defined]


async def look_up(context: NodeContext) -> Outputs:
    return [[{"json": {"response": f"about {context.items[0]['json']['city']}"}}]]


async def show_view(context: NodeContext) -> Outputs:
    """Puts out what expressions see in the node itself and, as a sub-node, in its place."""
    return [[{"json": await context.resolve_with(context.parameters["view"], {}, 0)}]]


async def use_all(context: NodeContext) -> Outputs:
    """A root that asks every attached tool what it sees, as a sub-node and as a tool of an item."""
    views = []
    for node in attached(context, "ai_tool"):
        place = context_of(context, node)
        views.append({"json": await place.resolve_with(node.parameters["view"], {}, len(context.items) - 1)})
    return [views]


def types() -> NodeTypes:
    """All node types of the program, and these."""
    made = NodeTypes()
    made._types, made._versions = dict(load()._types), dict(load()._versions)
    everything: list[tuple[str, Any, Any]] = [
        ("lmChatOpenAi", use_all, supply_model),
        ("lmChatGroq", use_all, supply_model),
        ("chainLlm", chain, None),
        ("agent", agent, None),
        ("agentTool", agent, None),
        ("toolCalculator", calculate, None),
        ("toolCode", look_up, None),
    ]
    for name, run, supply in everything:
        versions = (1.0, 1.2, 1.3, 1.7, 3.0)
        made.add(NodeType(PREFIX + name, versions, run, supply=supply))
    made.add(NodeType("test.view", (1.0,), show_view))
    made.add(NodeType("test.useAll", (1.0,), use_all))
    return made
