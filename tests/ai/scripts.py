"""A model that always says the same: its name names a script; the step is how often it has spoken since the user."""

import json
from typing import Any

Message = dict[str, Any]


def _call(number: int, name: str, arguments: dict[str, Any]) -> Message:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": f"call_{number}", "type": "function", "function": function}


def _calls(*calls: Message) -> Message:
    return {"content": None, "tool_calls": list(calls)}


def _says(value: Any) -> Message:
    return {"content": value if isinstance(value, str) else json.dumps(value)}


PLACE = {"state": "Texas", "cities": ["Austin"]}
SCRIPTS: dict[str, list[Message]] = {
    "two-tools": [
        _calls(_call(1, "Calculator", {"input": "6*7"}), _call(2, "Lookup", {"city": "Paris"})),
        _calls(_call(3, "Calculator", {"input": "1+1"})),
        _says("The answer is 42."),
    ],
    "one-tool": [_calls(_call(1, "Lookup", {"city": "Paris"})), _says("done")],
    "nested": [_calls(_call(1, "Helper", {"Prompt__User_Message_": "help me"})), _says("all done")],
    "forever": [_calls(_call(1, "Calculator", {"input": "1+1"}))],
    "structured": [_says({"output": PLACE})],
    "structured-tool": [_calls(_call(1, "format_final_json_response", {"output": PLACE})), _says("?")],
    "json": [_says(PLACE)],
    "sentiment": [_says({"sentiment": "Positive", "strength": 0.9, "confidence": 0.9})],
    "vectool": [_calls(_call(1, "Knowledge", {"input": "two"})), _says("known")],
    "vectool2": [_calls(_call(1, "Store", {"input": "two"})), _says("known")],
    "mcp": [_calls(_call(1, "Remote_Lookup", {"city": "Paris"})), _says("from afar")],
    "list": [_says("a\nb")],
    "query-tool": [_calls(_call(1, "lookup", {"query": "x", "input": "x"})), _says("done")],
    "think": [_calls(_call(1, "Think", {"input": "hm"})), _says("thought")],
    "react": [_says("Thought: I know\nFinal Answer: 42")],
    "badjson": [_says("not json")],
    "oldtools": [_calls(_call(1, "calculator", {"input": "6*7"})), _says("It is 42.")],
    "classify": [_says({"good": True, "bad": False, "fallback": False})],
}


def answer(model: str, messages: list[Message]) -> Message | None:
    """What the model says next; None: there is no such model."""
    last = max((place for place, message in enumerate(messages) if message["role"] == "user"), default=-1)
    said = text_of(messages[last]) if last >= 0 else ""
    if model == "echo":
        return {"role": "assistant", **_says(f"echo: {said}")}
    if model == "summary":
        return {"role": "assistant", **_says(f"summary of {len(said)}")}
    script = SCRIPTS.get(model)
    if script is None:
        return None
    step = sum(message["role"] == "assistant" for message in messages[last + 1 :])
    return {"role": "assistant", **script[min(step, len(script) - 1)]}


def text_of(message: Message) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or [])


def embed(text: str) -> list[float]:
    return [float(len(text) % 7 + 1), float(sum(map(ord, text)) % 11), float(text.count("a")), 1.0]
