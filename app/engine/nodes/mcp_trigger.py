"""MCP Server Trigger: runs the tool that a client calls, and answers with what it gives.

The API speaks the protocol and reads the call; the node gets {"id", "node", "arguments"}.
"""

from typing import Any

from app.engine.nodes.shared.issues import RequiredCredential, credentials
from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import EngineRequest
from app.engine.run.items import Outputs
from app.engine.run.registry import node
from app.engine.values import conversions

NEEDED = credentials(
    RequiredCredential("httpHeaderAuth", when={"authentication": ["headerAuth"]}),
    RequiredCredential("httpBearerAuth", when={"authentication": ["bearerAuth"]}),
)


@node(
    "@n8n/n8n-nodes-langchain.mcpTrigger",
    [1, 1.1, 2],
    trigger=True,
    exact=True,
    credentials=NEEDED,
    plain=["authentication", "path"],
)
async def mcp_trigger(context: NodeContext) -> Outputs | EngineRequest:
    given = context.items[0]["json"] if context.items else {}
    if not isinstance(given.get("node"), str):
        return [context.items]
    if context.response is None:
        asked = {"actionType": "ExecutionNodeAction", "type": "ai_tool", "id": str(given.get("id"))}
        action = {**asked, "nodeName": given["node"], "input": given.get("arguments") or {}}
        return EngineRequest([{**action, "metadata": {"itemIndex": 0}}])
    [result] = context.response.results
    made = _result(result.run)
    if context.execution.ports.respond is not None:
        body = {"jsonrpc": "2.0", "id": given.get("id"), "result": made}
        await context.execution.ports.respond({"status": 200, "headers": {}, "body": body})
    return [[{"json": made}]]


def _result(run: dict[str, Any]) -> dict[str, Any]:
    """What a tool gave, as a client of the protocol gets it."""
    outputs = next(iter((run.get("data") or {}).values()), None) or [[]]
    items = [item["json"] for item in outputs[0] or []]
    if run.get("executionStatus") == "error":
        said = str((run.get("error") or {}).get("message") or "The tool failed")
        return {"content": [{"type": "text", "text": said}], "isError": True}
    single = items[0] if len(items) == 1 else None
    answer = single["response"] if single is not None and list(single) == ["response"] else items
    text = answer if isinstance(answer, str) else conversions.to_json_text(answer)
    return {"content": [{"type": "text", "text": text}]}
