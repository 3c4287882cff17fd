"""Makes a case of a workflow and of what a real n8n answered when it was asked for an execution of it.

`python -m tests.conformance.record WORKFLOW.json EXECUTION.json` writes the case to recorded/WORKFLOW.json. EXECUTION
is what that n8n answers to `GET /api/v1/executions/ID?includeData=true`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.conformance.test_conformance import HERE, seen


def case_of(name: str, workflow: dict[str, Any], execution: dict[str, Any]) -> dict[str, Any]:
    """What is kept: the workflow as it was sent, and what is compared of its execution."""
    return {"name": name, "workflow": workflow, "expected": seen(execution["data"], execution["status"])}


def main(workflow: str, execution: str) -> None:
    name = Path(workflow).stem
    made = case_of(name, json.loads(Path(workflow).read_text()), json.loads(Path(execution).read_text()))
    (HERE / "recorded" / f"{name}.json").write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
