"""Until when a node waits: for a span of time, until a date, or until somebody calls."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from app.dates import WAIT_INDEFINITELY
from app.engine.nodes.shared.date_texts import read_dates
from app.engine.nodes.shared.wrong_inputs import wrong_input
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.values import conversions

UNITS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}


def cannot_wait(awaited: str) -> NodeError:
    """What a node raises in a sub-workflow that is run by a node which does not wait; `awaited`: for what."""
    return NodeError(
        f"This sub-workflow cannot wait for {awaited}: the node that runs it does not wait",
        description="Run it with an Execute Workflow node, which can wait.",
    )


async def wait_limit(context: NodeContext) -> datetime:
    """Until when a call is waited for; without a limit, for longer than anybody will."""
    parameters = context.parameters
    if not parameters.get("limitWaitTime"):
        return WAIT_INDEFINITELY
    if parameters.get("limitType", "afterTimeInterval") == "afterTimeInterval":
        amount, unit = parameters.get("resumeAmount", 1), parameters.get("resumeUnit", "hours")
        return time_after(
            context, await context.resolve_first({"amount": amount, "unit": unit}, parameter="resumeAmount")
        )
    return await time_given(context, "maxDateAndTime")


async def answer_limit(context: NodeContext, options: dict[str, Any]) -> datetime:
    """Until when an answer is waited for, as the options of a question say it (evaluated)."""
    values = as_group(as_group(options.get("limitWaitTime")).get("values"))
    if not values:
        return WAIT_INDEFINITELY
    if values.get("limitType", "afterTimeInterval") == "afterTimeInterval":
        unit = values.get("resumeUnit", "hours")
        return time_after(context, {"amount": values.get("resumeAmount", 1), "unit": unit})
    given = values.get("maxDateAndTime")
    until = (await read_dates(context, [given])).get(given) if isinstance(given, str) else None
    if until is None:
        raise NodeError("Could not configure Limit Wait Time", description="Invalid date format")
    return until.astimezone(UTC)


def time_after(context: NodeContext, asked: dict[str, Any]) -> datetime:
    """Now and so much time."""
    number = conversions.to_number(asked["amount"])
    if math.isnan(number):
        raise wrong_input("Wait Amount", "amount", "number", asked["amount"], 0)
    if number < 0 or asked["amount"] is None:
        raise NodeError("Invalid wait amount. Please enter a number that is 0 or greater.")
    if not isinstance(asked["unit"], str) or asked["unit"] not in UNITS:
        raise NodeError("Invalid wait unit. Valid units are 'seconds', 'minutes', 'hours', or 'days'.")
    try:
        return min(context.execution.ports.now() + timedelta(seconds=number * UNITS[asked["unit"]]), WAIT_INDEFINITELY)
    except OverflowError:
        return WAIT_INDEFINITELY


async def time_given(context: NodeContext, name: str = "dateTime") -> datetime:
    """The time that a parameter names. Raises NodeError for what is none."""
    given = await context.resolve_first(context.parameters.get(name, ""), parameter=name)
    until = (await read_dates(context, [given])).get(given) if isinstance(given, str) else None
    if until is None:
        raise NodeError(
            "Cannot put execution to wait because `dateTime` parameter is not a valid date. "
            "Please pick a specific date and time to wait until."
        )
    return until.astimezone(UTC)
