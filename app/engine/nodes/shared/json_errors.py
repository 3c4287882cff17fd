"""What JavaScript says of a text that is not JSON: only it knows its own words."""

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.programs import evaluate_javascript

COMPLAINT = "={{ (() => { try { JSON.parse($json.text) } catch (error) { return error.message } })() }}"


async def not_json(context: NodeContext, text: str) -> NodeError:
    """The error of a text that is no JSON; like n8n's it does not name the node."""
    [said] = await evaluate_javascript(context, COMPLAINT, [{"text": text}])
    return NodeError(str(said), anonymous=True)
