"""The values in the parameters of what fires at times: whole numbers, steps, cron lines."""

from typing import Any

from app.triggers import InvalidTrigger

NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@weekdays": "0 0 * * 1-5",
    "@weekends": "0 0 * * 0,6",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
    "@minutely": "* * * * *",
    "@secondly": "* * * * * *",
}
"""Names that stand for a whole cron line."""


def evaluated_value(node: str, value: Any) -> Any:
    """A parameter whose expressions have been evaluated. Raises InvalidTrigger for one that could not be."""
    if not isinstance(value, str) or not value.startswith("="):
        return value
    if "{{" in value:
        raise InvalidTrigger(
            f"An expression in the schedule of node '{node}' asks for data, which is not there before it fires: {value}"
        )
    return value[1:]


def cron_line(text: str) -> str:
    """The line as cron knows it: without a name for it, and with * for any day where Quartz has ?."""
    return NAMED.get(text.strip().lower(), text.strip()).replace("?", "*")


def step(every: int, size: int) -> str:
    """A field of a cron line that fits every so many times; a step beyond its end fits its beginning only."""
    return f"*/{every}" if every < size else "0"


def read_integer(node: str, interval: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    """A parameter as a whole number within bounds; an empty one is its default."""
    value = interval.get(name)
    if value in (None, "", {}):
        return default
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = low - 1
    if not low <= number <= high:
        raise InvalidTrigger(f"'{name}' of node '{node}' must be a whole number from {low} to {high}: {value} given")
    return number
