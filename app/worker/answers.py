"""What the caller of a webhook gets when the workflow's end decides it, in n8n's words."""

from typing import Any

import orjson

from app.engine.run import Outcome
from app.triggers import trigger_nodes
from app.triggers.webhooks import read_settings

FAILED = {"status": 500, "body": {"message": "Error in workflow"}}
NOTHING = {"status": 500, "body": {"code": 0, "message": "No item to return was found"}}
SAID_NOTHING = {"status": 500, "body": {"code": 0, "message": "No Respond to Webhook node found in the workflow"}}


def answer_of(workflow: dict[str, Any], start_node: str | None, outcome: Outcome) -> bytes | None:
    """The answer as JSON, None while the workflow waits or where the end decides nothing."""
    node = next((node for node in trigger_nodes(workflow, "webhook") if node["name"] == start_node), None)
    if node is None or outcome.status == "waiting":
        return None
    settings = read_settings(node["name"], node, node.get("parameters") or {})
    if settings["responseMode"] == "onReceived":
        return None
    return orjson.dumps(ended(settings, outcome), default=str)


def ended(settings: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    """The answer of a workflow that has ended."""
    if outcome.status != "success":
        return FAILED
    if settings["responseMode"] == "responseNode":
        return SAID_NOTHING
    headers = response_headers(settings)
    base = {"status": settings["responseCode"], "headers": headers}
    outputs = outcome.last_outputs()
    items = outputs[0] if outputs else []
    kind = settings["responseData"]
    if kind == "noData":
        return {**base, "text": ""}
    if kind == "allEntries":
        return {**base, "body": [item.get("json") for item in items]}
    if not items:
        return NOTHING
    if kind == "firstEntryBinary":
        return {**base, **binary_of(items[0], str(settings["responseBinaryPropertyName"]))}
    value = at_path(items[0].get("json"), settings["options"].get("responsePropertyName"))
    content_type = settings["options"].get("responseContentType")
    if content_type:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return {**base, "headers": {"content-type": str(content_type), **headers}, "text": text}
    return {**base, "body": value}


def binary_of(item: dict[str, Any], name: str) -> dict[str, Any]:
    """The binary data that an item holds under this name."""
    data = (item.get("binary") or {}).get(name)
    if not isinstance(data, dict):
        message = f"The binary property '{name}' which should be returned does not exist"
        return {"status": 500, "body": {"code": 0, "message": message}}
    return {
        "headers": {"content-type": data.get("mimeType", "application/octet-stream")},
        "base64": data.get("data", ""),
    }


def response_headers(settings: dict[str, Any]) -> dict[str, str]:
    """The headers that the node's options ask for."""
    entries = (settings["options"].get("responseHeaders") or {}).get("entries") or []
    return {str(entry["name"]).lower(): str(entry.get("value", "")) for entry in entries if entry.get("name")}


def at_path(value: Any, path: str | None) -> Any:
    """What stands at a dotted path, all of it without one."""
    for key in (path or "").split(".") if path else ():
        value = value.get(key) if isinstance(value, dict) else None
    return value
