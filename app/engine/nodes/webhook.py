"""Webhook: starts a workflow with what a call brought; the API receives the call itself."""

from typing import Any

from app.engine.nodes.shared.issues import Required, RequiredCredential, credentials, rules
from app.engine.nodes.shared.trigger_items import pass_on
from app.engine.run.context import NodeContext
from app.engine.run.items import Outputs
from app.engine.run.registry import node


def count_outputs(parameters: dict[str, Any]) -> int:
    """One for each method, where a node takes several."""
    methods = parameters.get("httpMethod")
    return len(methods) if parameters.get("multipleMethods") and isinstance(methods, list) else 1


ISSUES = rules(
    Required("responseBinaryPropertyName", "Property Name", "data", when={"responseData": ["firstEntryBinary"]})
)
NEEDED = credentials(
    RequiredCredential("httpBasicAuth", when={"authentication": ["basicAuth"]}),
    RequiredCredential("httpHeaderAuth", when={"authentication": ["headerAuth"]}),
    RequiredCredential("jwtAuth", when={"authentication": ["jwtAuth"]}),
)


@node(
    "webhook",
    [1, 1.1, 2, 2.1],
    trigger=True,
    outputs=count_outputs,
    issues=ISSUES,
    credentials=NEEDED,
    plain=["authentication"],
)
async def webhook(context: NodeContext) -> Outputs:
    return pass_on(context)
