"""Cron and Interval nodes: when they are due, and what is no time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.triggers import InvalidTrigger
from app.triggers.schedules import item_for, next_time, schedules_of
from tests.workflows import node, workflow

NOON = datetime(2026, 3, 4, 12, 0, 30, tzinfo=UTC)


def rules(kind: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    document = workflow([node("Old", kind, parameters)], settings={"timezone": "Europe/Berlin"})
    return [schedule.rule for schedule in schedules_of(document)]


@pytest.mark.parametrize(
    ("time", "due"),
    [
        ({"mode": "everyMinute"}, "03-04 12:01"),
        ({"mode": "everyHour", "minute": 5}, "03-04 12:05"),
        ({}, "03-04 13:00"),
        ({"mode": "everyDay", "hour": 7, "minute": 30}, "03-05 06:30"),
        ({"mode": "everyWeek", "weekday": "0", "hour": 9}, "03-08 08:00"),
        ({"mode": "everyMonth", "dayOfMonth": 2, "hour": 0}, "04-01 22:00"),
        ({"mode": "everyX", "value": 5, "unit": "minutes"}, "03-04 12:05"),
        ({"mode": "everyX", "value": 2, "unit": "hours"}, "03-04 13:00"),
        ({"mode": "custom", "cronExpression": "*/10 * * * * *"}, "03-04 12:00"),
    ],
)
def test_the_times_of_a_cron_node(time: dict[str, Any], due: str) -> None:
    (rule,) = rules("cron", {"triggerTimes": {"item": [time]}})
    assert f"{next_time(rule, NOON):%m-%d %H:%M}" == due
    assert item_for(rule, NOON) == {}


@pytest.mark.parametrize(
    ("parameters", "seconds"),
    [({}, 1), ({"interval": 90}, 90), ({"interval": "=2", "unit": "minutes"}, 120), ({"unit": "hours"}, 3600)],
)
def test_an_interval_begins_when_the_workflow_does(parameters: dict[str, Any], seconds: int) -> None:
    (rule,) = rules("interval", parameters)
    length = timedelta(seconds=seconds)
    assert next_time(rule, NOON) == NOON + length
    assert next_time(rule, NOON + 2.5 * length, NOON) == NOON + 3 * length
    assert next_time(rule, NOON + 3 * length, NOON) == NOON + 4 * length
    assert item_for(rule, NOON) == {}


def test_a_cron_node_without_times_is_never_due() -> None:
    assert rules("cron", {}) == []


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("cron", {"triggerTimes": {"item": [{"mode": "everyX", "value": 0}]}}),
        ("cron", {"triggerTimes": {"item": [{"mode": "custom", "cronExpression": "nonsense"}]}}),
        ("cron", {"triggerTimes": {"item": [{"mode": "yearly"}]}}),
        ("cron", {"triggerTimes": {"item": [{}] * 101}}),
        ("cron", {"triggerTimes": {"item": ["x"]}}),
        ("interval", {"interval": 0}),
        ("interval", {"interval": 10_000, "unit": "hours"}),
        ("interval", {"unit": "days"}),
        ("interval", {"interval": "={{ $json.n }}"}),
    ],
)
def test_what_is_no_time_is_refused(kind: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(InvalidTrigger):
        rules(kind, parameters)
