"""MCP servers of workflows: what a client of the protocol is told, and tools that run as executions."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.triggers.mcp import tools_of
from tests.api.webhooks.conftest import Site
from tests.patience import wait_until
from tests.workflows import attach, code, node, workflow

TYPE = "@n8n/n8n-nodes-langchain.mcpTrigger"
OUTPUT = "={{ {to: $fromAI('city', 'The city'), days: $fromAI('days', '', 'number', 1)} }}"


def served(site: Site, **parameters) -> tuple[str, str]:
    """The id of an active workflow, and the path of its MCP server with two tools."""
    path = f"m-{uuid.uuid4().hex[:8]}"
    trigger = node("Server", TYPE, {"path": path, **parameters}, 2, webhookId=str(uuid.uuid4()))
    tool = node("Plan trip", "setTool", {"mode": "raw", "jsonOutput": OUTPUT, "toolDescription": "Plans"}, 3.4)
    failing = node("Fails", "stopAndErrorTool", {"errorMessage": "no luck"})
    off = node("Off", "setTool", {}, 3.4, disabled=True)
    workflow_id = save(site, [trigger, tool, failing, off])
    answer = site.activate(workflow_id)
    assert answer.status == 200, answer.body
    return workflow_id, path


def serving(nodes, tools):
    """A workflow with these tools at its node Server."""
    return attach(workflow(nodes, name="MCP"), *((name, "ai_tool", "Server") for name in tools))


def save(site: Site, nodes) -> str:
    answer = site.server.post("/api/v1/workflows", serving(nodes, [each["name"] for each in nodes[1:]]))
    assert answer.status == 200, answer.body
    return answer.body["id"]


def ask(site: Site, path: str, method: str, number=1, **parameters):
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
    said = site.call("POST", path, message, base="/mcp/")
    assert said.status == 200, said.content
    assert said.json["id"] == number
    return said.json["result"] if "result" in said.json else said.json["error"]


def test_a_client_finds_the_tools_and_runs_them(site: Site):
    workflow_id, path = served(site)
    hello = ask(site, path, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={})
    assert (hello["protocolVersion"], hello["capabilities"]) == ("2025-06-18", {"tools": {}})
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert site.call("POST", path, note, base="/mcp/").status == 202
    assert ask(site, path, "ping") == {}
    tools = ask(site, path, "tools/list")["tools"]
    assert [tool["name"] for tool in tools] == ["Plan_trip", "Fails"]
    city = {"type": "string", "description": "The city"}
    assert tools[0] == {
        "name": "Plan_trip",
        "description": "Plans",
        "inputSchema": {
            "type": "object",
            "properties": {"city": city, "days": {"type": "number", "default": 1}},
            "required": ["city"],
        },
    }
    result = ask(site, path, "tools/call", "x", name="Plan_trip", arguments={"city": "Rome"})
    assert json.loads(result["content"][0]["text"]) == [{"to": "Rome", "days": 1}]
    failed = ask(site, path, "tools/call", name="Fails", arguments={})
    assert failed == {"content": [{"type": "text", "text": "no luck"}], "isError": True}

    def listed():
        return site.server.get(f"/api/v1/executions?workflowId={workflow_id}&includeData=true").body["data"]

    wait_until(lambda: [each["status"] for each in listed()] == ["success", "success"], listed, pause=0.05)
    run = listed()[-1]["data"]["resultData"]["runData"]["Plan trip"][0]
    assert run["inputOverride"]["ai_tool"][0][0]["json"] == {"city": "Rome"}


def test_a_call_with_an_id_like_the_call_of_a_package_is_one_like_others(site: Site):
    workflow_id, path = served(site)
    result = ask(site, path, "tools/call", "webhookCall", name="Plan_trip", arguments={"city": "Rome"})
    assert json.loads(result["content"][0]["text"]) == [{"to": "Rome", "days": 1}]

    def listed():
        return site.server.get(f"/api/v1/executions?workflowId={workflow_id}").body["data"]

    wait_until(lambda: [each["status"] for each in listed()] == ["success"], listed, pause=0.05)


def test_what_a_client_must_not_ask_is_refused(site: Site):
    workflow_id, path = served(site)
    assert ask(site, path, "tools/call", name="Off")["message"] == "Unknown tool: Off"
    odd = ask(site, path, "tools/call", name="Plan_trip", arguments=["Rome"])
    assert odd == {"code": -32602, "message": "The arguments of a tool must be an object"}
    assert ask(site, path, "resources/list")["code"] == -32601
    deep = (
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "Plan_trip", "arguments": {"a": %b}}}'
    )
    for body, number in {
        b"{": -32700,
        b"": -32700,
        b'{"jsonrpc": "\xff"}': -32700,
        deep % (b"[" * 300 + b"]" * 300): -32700,
        b"[]": -32600,
        b'{"id": 1}': -32600,
    }.items():
        said = site.call("POST", path, body, base="/mcp/")
        assert (said.status, said.json["error"]["code"], said.json["id"]) == (400, number, None)
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for version, expected in {"2025-06-18": (200, None), "1999-01-01": (400, -32000), "": (400, -32000)}.items():
        said = site.call("POST", path, message, base="/mcp/", **{"MCP-Protocol-Version": version})
        assert (said.status, said.json.get("error", {}).get("code")) == expected
    first = message | {"method": "initialize", "params": {"protocolVersion": "1999-01-01"}}
    hello = site.call("POST", path, first, base="/mcp/", **{"MCP-Protocol-Version": "1999-01-01"})
    assert (hello.status, hello.json["result"]["protocolVersion"]) == (200, "2025-11-25")
    looked = site.call("GET", path, base="/mcp/")
    assert (looked.status, looked.json["error"]["code"], looked.headers["allow"]) == (405, -32600, "POST")
    assert site.call("POST", "nowhere", {}, base="/mcp/").status == 404
    assert site.call("POST", path, {}, base="/webhook/").status == 404
    assert site.server.post(f"/api/v1/workflows/{workflow_id}/deactivate").status == 200
    assert site.call("POST", path, {}, base="/mcp/").status == 404


def test_a_tool_that_is_stopped_is_told_as_one_that_failed(site: Site):
    trigger = node("Server", TYPE, {"path": f"m-{uuid.uuid4().hex[:8]}"}, 2)
    workflow_id = save(site, [trigger, node("Waits", "waitTool", {"amount": 600, "unit": "seconds"}, 1.1)])
    assert site.activate(workflow_id).status == 200

    def waiting():
        return site.query("SELECT id FROM executions WHERE workflow_id = %s AND status = 'waiting'", workflow_id)

    with ThreadPoolExecutor(1) as callers:
        call = callers.submit(ask, site, trigger["parameters"]["path"], "tools/call", name="Waits", arguments={})
        ((number,),) = wait_until(waiting, pause=0.02)
        assert site.server.post(f"/api/v1/executions/{number}/stop").status == 200
        said = call.result()
    reason = f"Execution {number} has ended without an answer: it was stopped, or has failed"
    assert said == {"content": [{"type": "text", "text": reason}], "isError": True}


def test_a_server_asks_for_its_token(site: Site):
    made = site.server.post("/api/v1/credentials", {"name": "T", "type": "httpBearerAuth", "data": {"token": "s3cret"}})
    path = f"m-{uuid.uuid4().hex[:8]}"
    trigger = node("Server", TYPE, {"path": path, "authentication": "bearerAuth"}, 2)
    trigger["credentials"] = {"httpBearerAuth": {"id": made.body["id"], "name": "T"}}
    tool = node("Say", "setTool", {"mode": "raw", "jsonOutput": '={{ {"said": $fromAI("what")} }}'}, 3.4)
    workflow_id = save(site, [trigger, code("return []", "Code"), tool])
    assert site.activate(workflow_id).status == 200
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert site.call("POST", path, message, base="/mcp/").status == 403
    assert site.call("POST", path, message, base="/mcp/", Authorization="Bearer wrong").status == 403
    assert site.call("POST", path, message, base="/mcp/", Authorization="Bearer s3cret").json["result"] == {}
    call = message | {"method": "tools/call", "params": {"name": "Say", "arguments": {"what": "x", "headers": "y"}}}
    said = site.call("POST", path, call, base="/mcp/", Authorization="Bearer s3cret").json["result"]
    assert json.loads(said["content"][0]["text"]) == [{"said": "x"}]
    kept = site.server.get(f"/api/v1/executions?workflowId={workflow_id}&includeData=true").body["data"]
    assert "s3cret" not in json.dumps(kept)


def test_a_default_that_nobody_could_store_is_no_server_error(site: Site):

    def activate(default: str) -> tuple[int, str]:
        asked = f'={{{{ $fromAI("n", "", "json", {default}) }}}}'
        tool = node("Tool", "setTool", {"mode": "raw", "jsonOutput": asked}, 3.4)
        trigger = node("Server", TYPE, {"path": f"m-{uuid.uuid4().hex[:8]}"}, 2)
        answer = site.activate(save(site, [trigger, tool]))
        return answer.status, "" if answer.status == 200 else answer.body["message"]

    assert activate("9" * 30)[0] == 200
    assert activate("[" * 2000 + "]" * 2000)[0] == 200, "it is no JSON that anybody reads, so it is a text"
    status, said = activate("[" * 300 + "]" * 300)
    assert (status, said.startswith("The parameters of node 'Server' cannot be read")) == (400, True)


def test_tools_of_packages_say_what_they_take():
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    manual = {"specifyInputSchema": True, "schemaType": "manual", "inputSchema": json.dumps(schema)}
    kinds = {
        "Code": ("toolCode", {"name": "my code", **manual}),
        "Plain": ("toolCode", {}),
        "Example": ("toolCode", {"specifyInputSchema": True}),
        "Toolkit": ("mcpClientTool", {}),
        "Wrong": ("toolCode", {**manual, "inputSchema": "no JSON"}),
    }
    nodes = [node(name, f"@n8n/n8n-nodes-langchain.{kind}", given) for name, (kind, given) in kinds.items()]
    tools = tools_of(serving(nodes, kinds), "Server")
    text = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
    found = {tool.name: tool.schema for tool in tools}
    assert found == {"my_code": schema, "Plain": text, "Example": {"type": "object"}, "Wrong": {"type": "object"}}


@pytest.mark.parametrize("path", ["={{ 1 }}", "a/:b"])
def test_a_path_that_nobody_can_call_is_refused(site: Site, path: str):
    trigger = node("Server", TYPE, {"path": path}, 2)
    answer = site.activate(save(site, [trigger]))
    assert answer.status == 400
    assert "without an expression or parameters" in answer.body["message"]
