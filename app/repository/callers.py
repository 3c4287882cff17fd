"""Which workflows may call another one of their project, as a sub-workflow or as their error workflow."""

from typing import Any


def may_be_called(settings: Any, caller_id: str) -> bool:
    """Whether a workflow with these settings lets the caller call it: `callerPolicy`, with `callerIds` by commas.

    Any policy but "none" and "workflowsFromAList" lets all workflows of the project.
    """
    wanted = settings if isinstance(settings, dict) else {}
    match wanted.get("callerPolicy"):
        case "none":
            return False
        case "workflowsFromAList":
            listed = wanted.get("callerIds")
            return isinstance(listed, str) and caller_id in map(str.strip, listed.split(","))
        case _:
            return True
