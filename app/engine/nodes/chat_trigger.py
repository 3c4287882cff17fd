"""Chat Trigger: starts a workflow with a message; the API receives the message itself."""

from app.engine.nodes.shared.issues import RequiredCredential, credentials
from app.engine.nodes.shared.trigger_items import pass_on
from app.engine.run.context import NodeContext
from app.engine.run.items import Outputs
from app.engine.run.registry import node

NEEDED = credentials(RequiredCredential("httpBasicAuth", when={"public": [True], "authentication": ["basicAuth"]}))


@node(
    "@n8n/n8n-nodes-langchain.chatTrigger",
    [1, 1.1, 1.2, 1.3, 1.4, 1.5],
    trigger=True,
    credentials=NEEDED,
    plain=["authentication"],
)
async def chat_trigger(context: NodeContext) -> Outputs:
    return pass_on(context)
