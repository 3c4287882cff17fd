"""Form Trigger: starts a workflow with a form that somebody has sent; the API has read and validated it."""

from app.engine.nodes.shared.issues import Required, RequiredCredential, credentials, rules
from app.engine.nodes.shared.trigger_items import pass_on
from app.engine.run.context import NodeContext
from app.engine.run.items import Outputs
from app.engine.run.registry import node

ISSUES = rules(Required("formTitle", "Form Title"))
NEEDED = credentials(RequiredCredential("httpBasicAuth", when={"authentication": ["basicAuth"]}))


@node(
    "formTrigger",
    [1, 2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6],
    trigger=True,
    exact=True,
    issues=ISSUES,
    credentials=NEEDED,
    plain=["authentication"],
)
async def form_trigger(context: NodeContext) -> Outputs:
    return pass_on(context)
