"""References of workflows to what is in another project, where they cannot see it."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.importing.n8n.objects import Owners

CALLS = ("n8n-nodes-base.executeWorkflow", "@n8n/n8n-nodes-langchain.toolWorkflow")


def cut_references(workflow_id: str, document: Mapping[str, Any], owners: Owners) -> Iterator[str]:
    """What the workflow refers to in other projects, in sentences that say what to do."""
    own = owners.of_workflow(workflow_id)
    settings = document.get("settings")
    error_workflow = settings.get("errorWorkflow") if isinstance(settings, dict) else None
    if isinstance(error_workflow, str) and owners.of_workflow(error_workflow) != own:
        yield f"its error workflow {error_workflow} is in another project, and is not started: put both into one"
    for node in document.get("nodes") or ():
        if isinstance(node, dict):
            yield from _of_node(node, own, owners)


def _of_node(node: Mapping[str, Any], own: str, owners: Owners) -> Iterator[str]:
    name, called = node.get("name"), _called_workflow(node)
    if called is not None and owners.of_workflow(called) != own:
        yield f"node {name} calls the workflow {called} of another project, which fails here: put both into one"
    given = node.get("credentials")
    for credential in given.values() if isinstance(given, dict) else ():
        credential_id = credential.get("id") if isinstance(credential, dict) else None
        if isinstance(credential_id, str) and owners.of_credential(credential_id) != own:
            yield f"node {name} uses a credential of another project, which fails here: store it in this one, too"


def _called_workflow(node: Mapping[str, Any]) -> str | None:
    """The id of the workflow that a node calls, where it is written down."""
    parameters = node.get("parameters")
    if node.get("type") not in CALLS or not isinstance(parameters, dict):
        return None
    value = parameters.get("workflowId")
    value = value.get("value") if isinstance(value, dict) else value
    return value if isinstance(value, str) and value and not value.startswith("=") else None
