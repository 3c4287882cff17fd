"""When triggers that look for something new do so, from their poll times."""

from datetime import UTC, datetime

import pytest

from app.triggers import InvalidTrigger
from app.triggers.polls import polls_of
from app.triggers.schedules import next_time
from tests.workflows import node, workflow

NOW = datetime(2026, 2, 3, 10, 20, 30, tzinfo=UTC)


def rules(*times: dict, **parameters) -> list[dict]:
    if times:
        parameters["pollTimes"] = {"item": list(times)}
    document = workflow([node("Feed", "rssFeedReadTrigger", parameters)], settings={"timezone": "UTC"}, id="w1")
    return [schedule.rule for schedule in polls_of(document, ["Feed"])]


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ({"mode": "everyMinute"}, "02-03 10:2"),
        ({"mode": "everyHour", "minute": 5}, "02-03 11:05"),
        ({}, "02-03 14:00"),
        ({"mode": "everyDay", "hour": 9, "minute": 1}, "02-04 09:01"),
        ({"mode": "everyWeek", "weekday": "1", "hour": 8}, "02-09 08:00"),
        ({"mode": "everyMonth", "dayOfMonth": 31, "hour": 0}, "03-31 00:00"),
        ({"mode": "everyX", "value": 15, "unit": "minutes"}, "02-03 10:30"),
        ({"mode": "everyX", "value": 4}, "02-03 12:00"),
        ({"mode": "custom", "cronExpression": "30 6 * * *"}, "02-04 06:30"),
        ({"mode": "custom", "cronExpression": "15 30 6 * * *"}, "02-04 06:30:15"),
    ],
)
def test_each_kind_of_poll_time(time: dict, expected: str) -> None:
    [rule] = rules(time)
    assert rule["polls"]
    assert f"{next_time(rule, NOW):%m-%d %H:%M:%S}".startswith(expected)


def test_without_poll_times_it_looks_every_minute_at_a_second_of_its_own() -> None:
    [rule] = rules()
    following = next_time(rule, NOW)
    assert (next_time(rule, following) - following).total_seconds() == 60
    assert rules() == [rule], "the same one after each save"


def test_more_often_than_every_minute_is_refused_as_n8n_does() -> None:
    for line in ("*/10 * * * * *", "* * * * * *"):
        with pytest.raises(InvalidTrigger, match="at least a minute"):
            rules({"mode": "custom", "cronExpression": line})
