"""Schedule Trigger nodes: their rules, and when each is due next, in the workflow's own timezone.

A rule becomes a cron line of five fields, of six where seconds count. What cron cannot say (every third day,
every second week) is told from the last time that it fired.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from app.notation import find_zone
from app.triggers import InvalidTrigger, invalid_when_malformed, trigger_nodes
from app.triggers.old_schedules import read_cron, read_interval
from app.triggers.rule_values import cron_line, evaluated_value, read_integer, step

TYPES = ("scheduleTrigger", "cron", "interval")
"""Nodes that fire at times."""
MAX_RULES = 100
MAX_STEP = 1_000
"""The longest step of seconds, minutes or hours."""
SEARCH_LIMIT = 100_000  # fitting times of a cron line that are looked at before a rule counts as never due


@dataclass(frozen=True, slots=True)
class Schedule:
    """One rule of a Schedule Trigger; `rule` holds all that `next_time` needs, and can be stored as JSON."""

    node: str
    rule_index: int
    rule: dict[str, Any]


def schedules_of(document: dict[str, Any], instance_timezone: str = "UTC") -> list[Schedule]:
    """The rules of a workflow's Schedule Triggers, in the instance's time zone where the workflow names none.

    Raises InvalidTrigger for one never due, and for too many.
    """
    timezone = timezone_of(document, instance_timezone)
    schedules: list[Schedule] = []
    for node in trigger_nodes(document, *TYPES):
        with invalid_when_malformed(node):
            rules = read_rules(node, timezone, room=MAX_RULES - len(schedules))
        for index, rule in enumerate(rules):
            require_turn(node["name"], rule)
            schedules.append(Schedule(node["name"], index, rule))
    return schedules


def timezone_of(document: Mapping[str, Any], instance_timezone: str) -> str:
    """The time zone of a workflow's settings, that of the instance where they name none."""
    timezone = (document.get("settings") or {}).get("timezone") or "DEFAULT"
    return instance_timezone if timezone == "DEFAULT" else str(timezone)


def require_turn(node: str, rule: dict[str, Any]) -> None:
    """Raise InvalidTrigger for a rule that is never due."""
    try:
        next_time(rule, datetime.now(UTC))
    except (CronSimError, ValueError, StopIteration) as error:
        raise InvalidTrigger(f"The schedule of node '{node}' can never be due: {error}") from error


def read_rules(node: dict[str, Any], timezone: str, *, room: int) -> list[dict[str, Any]]:
    """The rules of one node. Raises InvalidTrigger, also for more than `room` of them."""
    name, parameters = node["name"], node.get("parameters") or {}
    check_timezone(timezone)
    kind = node["type"].rpartition(".")[2]
    if kind == "interval":
        entries: list[Any] = [parameters]
    elif kind == "cron":
        entries = (parameters.get("triggerTimes") or {}).get("item") or []
    else:
        entries = (parameters.get("rule") or {}).get("interval") or [{}]
    if len(entries) > room:
        raise InvalidTrigger(f"A workflow can have at most {MAX_RULES} rules in its Schedule Triggers")
    read = {"interval": read_interval, "cron": read_cron}.get(kind, read_rule)
    return [read(name, entry, timezone) for entry in entries]


def check_timezone(timezone: str) -> None:
    """Raise InvalidTrigger for a time zone that this machine does not know."""
    if find_zone(timezone) is None:
        raise InvalidTrigger(f"The workflow's timezone '{timezone}' is unknown")


def read_rule(node: str, interval: dict[str, Any], timezone: str) -> dict[str, Any]:
    """One entry of n8n's `rule.interval` as a cron line, a period and a timezone."""
    check_timezone(timezone)
    interval = {name: evaluated_value(node, value) for name, value in interval.items()}
    field = interval.get("field", "days")
    minute = read_integer(node, interval, "triggerAtMinute", 0, 0, 59)
    hour = read_integer(node, interval, "triggerAtHour", 0, 0, 23)
    rule: dict[str, Any] = {"timezone": timezone, "unit": field, "every": 1}
    if field == "seconds":
        rule["cron"] = f"{step(read_integer(node, interval, 'secondsInterval', 30, 1, MAX_STEP), 60)} * * * * *"
    elif field == "minutes":
        rule["cron"] = f"{step(read_integer(node, interval, 'minutesInterval', 5, 1, MAX_STEP), 60)} * * * *"
    elif field == "hours":
        rule["cron"] = f"{minute} {step(read_integer(node, interval, 'hoursInterval', 1, 1, MAX_STEP), 24)} * * *"
    elif field == "days":
        rule["every"] = read_integer(node, interval, "daysInterval", 1, 1, 366)
        rule["cron"] = f"{minute} {hour} * * *"
    elif field == "weeks":
        rule["every"] = read_integer(node, interval, "weeksInterval", 1, 1, 104)
        days = interval.get("triggerAtDay") or [0]
        rule["cron"] = f"{minute} {hour} * * {','.join(str(int(day)) for day in days)}"
    elif field == "months":
        rule["every"] = read_integer(node, interval, "monthsInterval", 1, 1, 120)
        day = read_integer(node, interval, "triggerAtDayOfMonth", 1, 1, 31)
        rule["cron"] = f"{minute} {hour} {day} * *"
    elif field == "cronExpression":
        rule["cron"] = cron_line(str(interval.get("expression") or ""))
    else:
        raise InvalidTrigger(f"The schedule of node '{node}' has an unknown interval '{field}'")
    return rule


def next_time(rule: dict[str, Any], after: datetime, last: datetime | None = None) -> datetime:
    """The first time after `after` at which the rule is due, given when it fired last; aware, in UTC.

    Across a change to or from daylight saving time the line holds for the wall clock. Raises CronSimError for a
    line that is none, StopIteration for one that is never due.
    """
    if "seconds" in rule:
        begin, length = last or after, timedelta(seconds=rule["seconds"])
        return begin + length * max(1, (after - begin) // length + 1)
    zone = ZoneInfo(rule["timezone"])
    before = None if last is None else last.astimezone(zone)
    for _, candidate in zip(range(SEARCH_LIMIT), CronSim(rule["cron"], after.astimezone(zone)), strict=False):
        if before is None or is_turn(rule, before.date(), candidate.date()):
            return candidate.astimezone(UTC)
    raise StopIteration("no time fits")


def is_turn(rule: dict[str, Any], last: date, candidate: date) -> bool:
    """Whether enough days, weeks or months have passed since the rule fired last."""
    every = int(rule["every"])
    if every == 1 or last == candidate:
        return True
    if rule["unit"] == "days":
        return (candidate - last).days >= every
    if rule["unit"] == "weeks":
        weeks = (monday(candidate) - monday(last)).days // 7
        return weeks == 0 or weeks >= every
    months = (candidate.year - last.year) * 12 + candidate.month - last.month
    return months >= every


def monday(day: date) -> date:
    """The first day of that week."""
    return day - timedelta(days=day.weekday())


def item_for(rule: dict[str, Any], due: datetime) -> dict[str, Any]:
    """The output of a Schedule Trigger when it fires, in n8n's fields; nothing for a rule that is `bare`."""
    if rule.get("bare"):
        return {}
    local = due.astimezone(ZoneInfo(rule["timezone"]))
    offset = local.strftime("%z")
    ordinal = "th" if 4 <= local.day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(local.day % 10, "th")
    clock = f"{(local.hour % 12) or 12}:{local:%M}:{local:%S} {'am' if local.hour < 12 else 'pm'}"
    return {
        "timestamp": local.isoformat(timespec="milliseconds"),
        "Readable date": f"{local:%B} {local.day}{ordinal} {local.year}, {clock}",
        "Readable time": clock,
        "Day of week": f"{local:%A}",
        "Year": f"{local.year}",
        "Month": f"{local:%B}",
        "Day of month": f"{local:%d}",
        "Hour": f"{local:%H}",
        "Minute": f"{local:%M}",
        "Second": f"{local:%S}",
        "Timezone": f"{rule['timezone']} (UTC{offset[:3]}:{offset[3:]})",
    }
