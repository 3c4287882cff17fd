"""What is compared of a run with sub-nodes: every run in its order, with where it came from and what it left.

Not compared: times, ids, the texts of prompts, settings of models, traces, and which item a tool's call was for.
"""

import json
from typing import Any

Json = dict[str, Any]
PROMPTS = ("messages", "estimatedTokens", "options", "previousRequests", "chatHistory")
LEFT_OUT = frozenset([*PROMPTS, "tracing", "sourceOverwrite", "console", "subExecution"])


def seen(data: Json, status: str) -> Json:
    result = data["resultData"]
    runs = [(run["executionIndex"], name, run) for name, every in result["runData"].items() for run in every]
    error = result.get("error")
    return json.loads(
        json.dumps(
            {
                "status": status,
                "lastNodeExecuted": result.get("lastNodeExecuted"),
                "error": error and {"message": error["message"], "node": (error.get("node") or {}).get("name")},
                "runs": [_run(index, name, run) for index, name, run in sorted(runs, key=lambda entry: entry[0])],
                "subRuns": _sub_runs(data),
            }
        )
    )


def _sub_runs(data: Json) -> Json:
    """Which runs of sub-nodes there were; in which order they came to their end is not compared."""
    known = (data.get("executionData") or {}).get("metadata") or {}
    return {name: sorted(entries, key=lambda each: each["subRun"][0]["runIndex"]) for name, entries in known.items()}


def _run(index: int, name: str, run: Json) -> Json:
    parts = {
        "index": index,
        "node": name,
        "status": run["executionStatus"],
        "source": run["source"],
        "data": _bare(run.get("data")),
        "inputOverride": _bare(run.get("inputOverride")) or None,
        "metadata": _bare(run.get("metadata")) or None,
        "error": (run.get("error") or {}).get("message"),
    }
    return {key: value for key, value in parts.items() if value is not None}


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        paired = {"pairedItem"} if isinstance(value.get("json"), dict) else set()
        return {key: _bare(each) for key, each in value.items() if key not in LEFT_OUT and key not in paired}
    return [_bare(each) for each in value] if isinstance(value, list) else value
