"""What JavaScript says of a text that is not JSON: only it knows its own words."""

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.programs import evaluate_javascript

COMPLAINT = "={{ (() => { try { JSON.parse($json.text) } catch (error) { return error.message } })() }}"
TOO_DEEP = "The JSON is nested too deeply, or holds what is no Unicode text"
"""What JavaScript reads without a complaint, and this program does not."""


async def explain_json(context: NodeContext, text: str) -> str:
    """Why the text is no JSON, in JavaScript's words."""
    [complaint] = await evaluate_javascript(context, COMPLAINT, [{"text": text}])
    return complaint if isinstance(complaint, str) else TOO_DEEP


async def not_json(context: NodeContext, text: str) -> NodeError:
    """The error of a text that is no JSON; like n8n's it does not name the node."""
    return NodeError(await explain_json(context, text), anonymous=True)
