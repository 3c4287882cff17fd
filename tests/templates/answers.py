"""What a run put out, in the form in which both sides are compared: without times, identifiers and addresses."""

from typing import Any

Json = dict[str, Any]
BINARY = ("mimeType", "fileName", "fileExtension", "fileType")


def answer_of(status: str, data: Json) -> Json:
    """An execution as it is compared: status, runs of each node, order, error."""
    result = data.get("resultData") or {}
    runs = result.get("runData") or {}
    order = [(run.get("executionIndex", 0), name) for name, every in runs.items() for run in every]
    return {
        "status": status,
        "last": result.get("lastNodeExecuted"),
        "nodes": {name: [_run(run) for run in every] for name, every in runs.items()},
        "order": [name for _, name in sorted(order)],
        "error": _error(result.get("error")),
    }


def _run(run: Json) -> Json:
    outputs = [output or [] for output in (run.get("data") or {}).get("main") or []]
    while outputs and not outputs[-1]:
        outputs.pop()
    return {
        "status": run.get("executionStatus"),
        "error": (_error(run.get("error")) or {}).get("message"),
        "outputs": [[item.get("json") for item in output] for output in outputs],
        "binary": [[_binary(item.get("binary")) for item in output] for output in outputs],
    }


def _binary(binary: Any) -> Json | None:
    if not isinstance(binary, dict) or not binary:
        return None
    return {
        name: {each: file.get(each) for each in BINARY} if isinstance(file, dict) else file
        for name, file in binary.items()
    }


def _error(error: Any) -> Json | None:
    if not isinstance(error, dict):
        return None
    node = error.get("node")
    return {"message": error.get("message"), "node": node.get("name") if isinstance(node, dict) else node}
