"""Stop and Error: ends the run with an error of the workflow's own."""

from typing import Any

from app.engine.nodes.shared.issues import Required, rules
from app.engine.nodes.shared.json_errors import not_json
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Outputs
from app.engine.run.json_texts import parse_json
from app.engine.run.registry import node
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert

NO_MESSAGE = "An error occurred"


ISSUES = rules(
    Required("errorMessage", "Error Message", when={"errorType": ["errorMessage"]}),
    defaults={"errorType": "errorMessage"},
)


@node("stopAndError", [1], issues=ISSUES)
async def stop_and_error(context: NodeContext) -> Outputs:
    parameters = context.parameters
    if parameters.get("errorType", "errorMessage") == "errorMessage":
        message = await context.resolve_first(parameters.get("errorMessage", ""), parameter="errorMessage")
        if isinstance(message, int | float):
            said = f"Cannot use 'in' operator to search for 'description' in {conversions.to_string(message)}"
            raise NodeError(said, anonymous=True)
        raise NodeError(conversions.display(message) if message not in (None, "") else NO_MESSAGE)
    given = await context.resolve_first(parameters.get("errorObject", ""), parameter="errorObject")
    error = await _error_object(context, given)
    message, description = _message(error)
    raise NodeError(message, description=description, context={"metadata": error}, level="error")


async def _error_object(context: NodeContext, given: Any) -> Any:
    """The object that a text describes: n8n takes nothing but text."""
    text = conversions.to_string(given)
    try:
        return await parse_json(context, text)
    except CannotConvert:
        raise await not_json(context, text) from None


def _message(error: Any) -> tuple[str, str | None]:
    """What the error says, and its description where that is not said already."""
    texts = {key: text for key, text in error.items() if isinstance(text, str)} if isinstance(error, dict) else {}
    if texts.get("message"):
        return texts["message"], texts.get("description") or None
    said = texts.get("description") or texts.get("error")
    return said or f"Error: {conversions.to_json_text(error)}", None
