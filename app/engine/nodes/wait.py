"""Wait: lets time pass, in memory when it is short, as a waiting execution when it is long."""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from app.engine.nodes.shared.date_texts import read_dates
from app.engine.nodes.shared.issues import Credential, Required, Typed, credentials, rules
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, WaitRequested
from app.engine.run.items import Outputs
from app.engine.run.registry import node
from app.engine.values import conversions

UNITS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
IN_MEMORY_SECONDS = 65.0
"""A wait of less than this is not worth writing the run down for."""
LONGEST = datetime(3000, 1, 1, tzinfo=UTC)


CALLED = {"resume": ["webhook"]}
ISSUES = rules(
    Required("dateTime", "Date and Time", when={"resume": ["specificTime"]}),
    Typed("amount", "number", times=2, when={"resume": ["timeInterval"]}),
    Required("formTitle", "Form Title", when={"resume": ["form"]}),
    Required(
        "responseBinaryPropertyName",
        "Property Name",
        "data",
        when={"responseData": ["firstEntryBinary"], "responseMode": ["lastNode"], **CALLED},
    ),
    defaults={"resume": "timeInterval"},
)
NEEDED = credentials(
    Credential("httpBasicAuth", when={"incomingAuthentication": ["basicAuth"]}),
    Credential("httpHeaderAuth", when={"incomingAuthentication": ["headerAuth"]}),
    Credential("jwtAuth", when={"incomingAuthentication": ["jwtAuth"]}),
)


@node("wait", [1, 1.1], issues=ISSUES, credentials=NEEDED)
async def wait(context: NodeContext) -> Outputs:
    parameters = context.parameters
    resume = await context.resolve_first(parameters.get("resume", "timeInterval"), parameter="resume")
    if resume == "timeInterval":
        until = await _after_interval(context)
    elif resume == "webhook":
        if context.execution.ports.depth:
            raise NodeError("A sub-workflow cannot wait for a call")
        raise WaitRequested(await _limit(context), resume_on="webhook")
    elif resume == "form":
        raise NodeError("The Wait node cannot wait for a form here.")
    else:
        until = await _at_time(context)
    seconds = (until - context.execution.ports.now()).total_seconds()
    if seconds >= IN_MEMORY_SECONDS and not context.execution.ports.depth:
        raise WaitRequested(until)
    if seconds > 0:
        await asyncio.sleep(seconds)
    return [context.items]


async def _limit(context: NodeContext) -> datetime:
    """Until when a call is waited for; without a limit, for longer than anybody will."""
    parameters = context.parameters
    if not parameters.get("limitWaitTime"):
        return LONGEST
    if parameters.get("limitType", "afterTimeInterval") == "afterTimeInterval":
        amount, unit = parameters.get("resumeAmount", 1), parameters.get("resumeUnit", "hours")
        return _later(context, await context.resolve_first({"amount": amount, "unit": unit}, parameter="resumeAmount"))
    return await _at_time(context, "maxDateAndTime")


async def _after_interval(context: NodeContext) -> datetime:
    amount, unit = (1, "hours") if context.version == 1 else (5, "seconds")
    asked = await context.resolve_first(
        {
            "amount": context.parameters.get("amount", amount),
            "unit": context.parameters.get("unit", unit),
        },
        parameter="amount",
    )
    return _later(context, asked)


def _later(context: NodeContext, asked: dict[str, Any]) -> datetime:
    """Now and so much time."""
    number = conversions.to_number(asked["amount"])
    if math.isnan(number):
        raise NodeError(
            "Invalid input for 'Wait Amount' [item 0]",
            description=f"'amount' expects a number but we got '{conversions.display(asked['amount'])}'",
            name="ExpressionError",
            anonymous=True,
        )
    if number < 0 or asked["amount"] is None:
        raise NodeError("Invalid wait amount. Please enter a number that is 0 or greater.")
    if asked["unit"] not in UNITS:
        raise NodeError("Invalid wait unit. Valid units are 'seconds', 'minutes', 'hours', or 'days'.")
    try:
        return min(context.execution.ports.now() + timedelta(seconds=number * UNITS[asked["unit"]]), LONGEST)
    except OverflowError:
        return LONGEST


async def _at_time(context: NodeContext, name: str = "dateTime") -> datetime:
    given = await context.resolve_first(context.parameters.get(name, ""), parameter=name)
    until = (await read_dates(context, [given])).get(given) if isinstance(given, str) else None
    if until is None:
        raise NodeError(
            "Cannot put execution to wait because `dateTime` parameter is not a valid date. "
            "Please pick a specific date and time to wait until."
        )
    return until.astimezone(UTC)
