"""Triggers that look for something new: when, read from their poll times."""

import zlib
from collections.abc import Mapping
from typing import Any

from app.triggers import InvalidTrigger, invalid_when_malformed
from app.triggers.old_schedules import read_cron
from app.triggers.schedules import MAX_RULES, Schedule, check_timezone, require_turn, timezone_of

EVERY_MINUTE = {"item": [{"mode": "everyMinute"}]}
TOO_SHORT = "The polling interval is too short. It has to be at least a minute."


def polls_of(document: Mapping[str, Any], names: list[str], instance_timezone: str = "UTC") -> list[Schedule]:
    """When the nodes of these names look for something new. Raises InvalidTrigger."""
    timezone = timezone_of(document, instance_timezone)
    polls: list[Schedule] = []
    for node in document.get("nodes") or []:
        if node.get("name") not in names:
            continue
        with invalid_when_malformed(node):
            rules = read_rules(node, timezone, second_of(f"{document.get('id')} {node['name']}"))
        polls += [Schedule(node["name"], index, rule) for index, rule in enumerate(rules)]
    if len(polls) > MAX_RULES:
        raise InvalidTrigger(f"A workflow can have at most {MAX_RULES} poll times")
    return polls


def second_of(text: str) -> int:
    """Some second of the minute, always the same for one node: thousands of them do not all look at once."""
    return zlib.crc32(text.encode()) % 60


def read_rules(node: dict[str, Any], timezone: str, second: int) -> list[dict[str, Any]]:
    """The rules of one node. Raises InvalidTrigger."""
    check_timezone(timezone)
    rules = []
    for entry in ((node.get("parameters") or {}).get("pollTimes") or EVERY_MINUTE).get("item") or []:
        rule = read_cron(node["name"], entry, timezone) | {"polls": True}
        fields = str(rule["cron"]).split()
        if len(fields) > 5 and "*" in fields[0]:
            raise InvalidTrigger(f"Node '{node['name']}': {TOO_SHORT}")
        if len(fields) == 5:
            rule["cron"] = " ".join([str(second), *fields])
        require_turn(node["name"], rule)
        rules.append(rule)
    return rules
