"""Wait: pauses a run, in memory when the time is short, as a waiting execution when it is long."""

import asyncio
from datetime import datetime

from app.engine.nodes.form.form import page_parameters
from app.engine.nodes.shared.issues import Required, RequiredCredential, Typed, credentials, rules
from app.engine.nodes.shared.waiting import cannot_wait, time_after, time_given, wait_limit
from app.engine.run.context import NodeContext
from app.engine.run.errors import WaitRequested
from app.engine.run.items import Outputs
from app.engine.run.registry import node

IN_MEMORY_SECONDS = 65.0
"""A wait of less than this is not worth writing the run down for."""

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
    RequiredCredential("httpBasicAuth", when={"incomingAuthentication": ["basicAuth"]}),
    RequiredCredential("httpHeaderAuth", when={"incomingAuthentication": ["headerAuth"]}),
    RequiredCredential("jwtAuth", when={"incomingAuthentication": ["jwtAuth"]}),
)


@node("wait", [1, 1.1], issues=ISSUES, credentials=NEEDED)
async def wait(context: NodeContext) -> Outputs:
    parameters = context.parameters
    resume = await context.resolve_first(parameters.get("resume", "timeInterval"), parameter="resume")
    if resume == "timeInterval":
        until = await _after_interval(context)
    elif resume == "webhook":
        if not context.execution.ports.may_wait:
            raise cannot_wait("a call")
        raise WaitRequested(await wait_limit(context), resume_on="webhook")
    elif resume == "form":
        if not context.execution.ports.may_wait:
            raise cannot_wait("a form")
        page = page_parameters(context, await context.resolve_first(parameters))
        raise WaitRequested(await wait_limit(context), resume_on="webhook", asks=page)
    else:
        until = await time_given(context)
    seconds = (until - context.execution.ports.now()).total_seconds()
    if seconds >= IN_MEMORY_SECONDS and context.execution.ports.may_wait:
        raise WaitRequested(until)
    if seconds > 0:
        await asyncio.sleep(seconds)
    return [context.items]


async def _after_interval(context: NodeContext) -> datetime:
    amount, unit = (1, "hours") if context.version == 1 else (5, "seconds")
    asked = await context.resolve_first(
        {
            "amount": context.parameters.get("amount", amount),
            "unit": context.parameters.get("unit", unit),
        },
        parameter="amount",
    )
    return time_after(context, asked)
