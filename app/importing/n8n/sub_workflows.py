"""Executions that wait for a sub-workflow's, which waits itself: they go on here when that one ends here."""

from collections.abc import Mapping
from typing import Any

from app.engine.run.document import CHILDREN, RunDocument
from app.engine.run.groups import as_group
from app.importing.n8n.rows import read_id

CALLER = "n8n-nodes-base.executeWorkflow"
CALLS_SEVERAL = "it waits for sub-workflows, one for each item: it goes on nowhere here, so stop it and retry it"


def parent_of(document: Mapping[str, Any]) -> int | None:
    """The execution that waits for this one's end; None: none does."""
    parent = document.get("parentExecution")
    if not isinstance(parent, dict) or parent.get("shouldResume") is False:
        return None
    return read_id(parent.get("executionId"))


def name_child(document: dict[str, Any]) -> int | None:
    """The execution that the node which is due waits for, and would find where it is named as this program names it:
    so it is named in the document. None: it waits for none, or for several."""
    run = RunDocument(document)
    due = run.due_node
    if not isinstance(due, dict) or due.get("type") != CALLER or calls_several(due):
        return None
    metadata = as_group(run.stack[0].get("metadata"))
    child = read_id(as_group(metadata.get("subExecution")).get("executionId"))
    if child is not None:  # the node's last run may hold the same object
        run.stack[0]["metadata"] = {**metadata, CHILDREN: [str(child)]}
    return child


def calls_several(node: Mapping[str, Any]) -> bool:
    """Whether the node calls a sub-workflow for each item: which of them n8n waits for is not known."""
    return node.get("type") == CALLER and as_group(node.get("parameters")).get("mode", "once") != "once"
