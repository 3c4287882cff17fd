"""Cron and Interval nodes, from before there were Schedule Triggers, as rules of the same form.

What they start sees nothing of the time: their rules are `bare`.
"""

from typing import Any

from app.triggers import InvalidTrigger
from app.triggers.rule_values import cron_line, evaluated_value, read_integer, step

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600}
MAX_SECONDS = 366 * 24 * 3600
"""The longest interval."""


def read_cron(node: str, time: dict[str, Any], timezone: str) -> dict[str, Any]:
    """One of a Cron node's times as a rule. Raises InvalidTrigger."""
    return {"timezone": timezone, "unit": "cron", "every": 1, "bare": True, "cron": _line(node, time)}


def _line(node: str, given: dict[str, Any]) -> str:
    time = {name: evaluated_value(node, value) for name, value in given.items()}
    mode = time.get("mode") or "everyDay"
    minute = read_integer(node, time, "minute", 0, 0, 59)
    hour = read_integer(node, time, "hour", 14, 0, 23)
    if mode == "everyMinute":
        return "* * * * *"
    if mode == "everyHour":
        return f"{minute} * * * *"
    if mode == "everyDay":
        return f"{minute} {hour} * * *"
    if mode == "everyWeek":
        return f"{minute} {hour} * * {read_integer(node, time, 'weekday', 1, 0, 6)}"
    if mode == "everyMonth":
        return f"{minute} {hour} {read_integer(node, time, 'dayOfMonth', 1, 1, 31)} * *"
    if mode == "everyX":
        every = read_integer(node, time, "value", 2, 1, 1000)
        return f"{step(every, 60)} * * * *" if time.get("unit") == "minutes" else f"0 {step(every, 24)} * * *"
    if mode == "custom":
        return cron_line(str(time.get("cronExpression") or "* * * * * *"))
    raise InvalidTrigger(f"The Cron node '{node}' has an unknown mode '{mode}'")


def read_interval(node: str, parameters: dict[str, Any], timezone: str) -> dict[str, Any]:
    """The rule of an Interval node: so many seconds from one time to the next. Raises InvalidTrigger."""
    given = {name: evaluated_value(node, value) for name, value in parameters.items()}
    unit = given.get("unit") or "seconds"
    if unit not in UNITS:
        raise InvalidTrigger(f"The Interval node '{node}' has an unknown unit '{unit}'")
    number = read_integer(node, given, "interval", 1, 1, MAX_SECONDS // UNITS[unit])
    return {"timezone": timezone, "unit": "interval", "every": 1, "bare": True, "seconds": number * UNITS[unit]}
