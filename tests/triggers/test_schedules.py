"""When schedules are due: every option of the node, in a timezone, across changes of the clock."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.forms.submission import now
from app.triggers import InvalidTrigger
from app.triggers.schedules import item_for, next_time, read_rule, schedules_of
from app.worker.data_tables import zone_of
from tests.workflows import node, workflow

NOON = datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC)  # a Tuesday


def times(interval: dict, number: int, after: datetime = NOON, timezone: str = "UTC") -> list[str]:
    rule = read_rule("Schedule", interval, timezone)
    found, last = [], None
    for _ in range(number):
        last = after = next_time(rule, after, last)
        found.append(after.strftime("%m-%d %H:%M:%S"))
    return found


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ({"field": "seconds", "secondsInterval": 20}, ["11-24 12:00:20", "11-24 12:00:40", "11-24 12:01:00"]),
        ({"field": "minutes", "minutesInterval": 25}, ["11-24 12:25:00", "11-24 12:50:00", "11-24 13:00:00"]),
        ({"field": "hours", "hoursInterval": 5, "triggerAtMinute": 7}, ["11-24 15:07:00", "11-24 20:07:00"]),
        ({}, ["11-25 00:00:00", "11-26 00:00:00"]),
        ({"field": "days", "daysInterval": 3, "triggerAtHour": 9}, ["11-25 09:00:00", "11-28 09:00:00"]),
        ({"field": "weeks", "triggerAtDay": [1, 5], "triggerAtHour": 8}, ["11-27 08:00:00", "11-30 08:00:00"]),
        (
            {"field": "weeks", "weeksInterval": 2, "triggerAtDay": [1, 5]},
            ["11-27 00:00:00", "12-07 00:00:00", "12-11 00:00:00", "12-21 00:00:00"],
        ),
        ({"field": "months", "monthsInterval": 2, "triggerAtDayOfMonth": 31}, ["12-31 00:00:00", "03-31 00:00:00"]),
        ({"field": "cronExpression", "expression": "30 6 * * 1-5"}, ["11-25 06:30:00", "11-26 06:30:00"]),
        ({"field": "cronExpression", "expression": "=30 6 * * *"}, ["11-25 06:30:00", "11-26 06:30:00"]),
        ({"field": "cronExpression", "expression": "@daily"}, ["11-25 00:00:00", "11-26 00:00:00"]),
        ({"field": "cronExpression", "expression": "0 0 12 ? * *"}, ["11-25 12:00:00", "11-26 12:00:00"]),
        ({"field": "=days", "triggerAtHour": "9", "triggerAtMinute": {}}, ["11-25 09:00:00"]),
        ({"field": "minutes", "minutesInterval": 60}, ["11-24 13:00:00", "11-24 14:00:00"]),
        ({"field": "hours", "hoursInterval": 24}, ["11-25 00:00:00", "11-26 00:00:00"]),
        ({"field": "cronExpression", "expression": "*/15 0 6 * * *"}, ["11-25 06:00:00", "11-25 06:00:15"]),
    ],
)
def test_each_option(interval: dict, expected: list[str]) -> None:
    assert times(interval, len(expected)) == expected


def test_the_wall_clock_counts_across_daylight_saving() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    daily = {"field": "days", "triggerAtHour": 9}
    assert times(daily, 2, before, "Europe/Berlin") == ["03-29 07:00:00", "03-30 07:00:00"]
    assert times(daily, 1, before - timedelta(days=1), "Europe/Berlin") == ["03-28 08:00:00"]


def test_an_hour_that_does_not_exist_is_not_skipped_and_one_that_comes_twice_fires_once() -> None:
    at_half_past_two = {"field": "days", "triggerAtHour": 2, "triggerAtMinute": 30}
    spring = times(at_half_past_two, 2, datetime(2026, 3, 28, 12, tzinfo=UTC), "Europe/Berlin")
    assert [time[:5] for time in spring] == ["03-29", "03-30"]
    autumn = times(at_half_past_two, 2, datetime(2026, 10, 24, 12, tzinfo=UTC), "Europe/Berlin")
    assert [time[:5] for time in autumn] == ["10-25", "10-26"]


@given(st.integers(1, 59), st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)))
def test_minutes_are_always_ahead_and_in_order(every: int, start: datetime) -> None:
    rule = read_rule("S", {"field": "minutes", "minutesInterval": every}, "America/New_York")
    moment = start.replace(tzinfo=UTC)
    found = [moment]
    for _ in range(5):
        found.append(next_time(rule, found[-1]))
    assert all(a < b <= a + timedelta(hours=1) for a, b in pairwise(found))


@pytest.mark.parametrize(
    "interval",
    [
        {"field": "minutes", "minutesInterval": 0},
        {"field": "hours", "hoursInterval": "often"},
        {"field": "cronExpression", "expression": "nonsense"},
        {"field": "cronExpression", "expression": "0 0 31 2 *"},
        {"field": "fortnights"},
        {"field": "minutes", "minutesInterval": "={{ $json.minutes }}"},
    ],
)
def test_what_can_never_be_due_is_refused(interval: dict) -> None:
    often = node("Often", "scheduleTrigger", {"rule": {"interval": [interval]}})
    with pytest.raises(InvalidTrigger, match="Often"):
        schedules_of(workflow([often]))


def test_the_item_tells_the_time_in_the_workflows_timezone() -> None:
    rule = read_rule("S", {}, "America/New_York")
    item = item_for(rule, datetime(2026, 11, 24, 14, 5, 9, tzinfo=UTC))
    assert item["timestamp"] == "2026-11-24T09:05:09.000-05:00"
    assert item["Readable date"] == "November 24th 2026, 9:05:09 am"
    assert item["Timezone"] == "America/New_York (UTC-05:00)"
    assert (item["Day of week"], item["Hour"]) == ("Tuesday", "09")


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, "Asia/Tokyo"), ("", "Asia/Tokyo"), ("DEFAULT", "Asia/Tokyo"), ("Europe/Berlin", "Europe/Berlin")],
)
def test_a_workflow_that_names_no_timezone_is_in_the_instances(given: str | None, expected: str) -> None:
    often = workflow([node("Often", "scheduleTrigger")], settings={"timezone": given})
    (schedule,) = schedules_of(often, "Asia/Tokyo")
    assert schedule.rule["timezone"] == expected


@pytest.mark.parametrize("timezone", ["Mars/Phobos", "Europe", "x" * 300, "../UTC", "a\0b"])
def test_a_time_zone_that_is_none_is_said(timezone: str) -> None:
    with pytest.raises(InvalidTrigger, match="is unknown"):
        schedules_of(workflow([node("Often", "scheduleTrigger")], settings={"timezone": timezone}))
    assert zone_of(timezone) is UTC
    assert now(timezone).endswith("Z")
