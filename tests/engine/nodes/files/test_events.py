"""Convert to File writes events as n8n does; what it says instead where an event is none."""

import base64
import re
from typing import Any

import pytest

from app.engine.run.meter import Meter
from app.engine.run.ports import Ports
from tests.engine.histories import MemoryHistory
from tests.engine.running import Engine
from tests.workflows import START, chain, node

EVENT = {"title": "T", "start": "2024-03-05T10:00:00Z", "end": "2024-03-05T12:00:00Z"}
WHOLE = {
    "title": "Meeting, weekly; x",
    "start": "2024-03-05T10:00:00+02:00",
    "end": "03/05/2024",
    "additionalFields": {
        "attendeesUi": {
            "attendeeValues": [{"name": "Bob", "email": "bob@example.com", "rsvp": True}, {"email": "eve@example.com"}]
        },
        "busyStatus": "BUSY",
        "calName": "Team",
        "description": "Line one\nline two, and a long one that goes on and on and on and on until it must be folded",
        "fileName": "meet.ics",
        "location": "ä;,\\\n",
        "organizerUi": {"organizerValues": {"name": "Ann", "email": "ann@example.com"}},
        "recurrenceRule": "FREQ=WEEKLY;BYDAY=TU",
        "sequence": 2,
        "status": "TENTATIVE",
        "uid": "1@example.com",
        "url": "https://example.com/x",
    },
}
WRITTEN = r"""BEGIN:VCALENDAR
VERSION:2.0
CALSCALE:GREGORIAN
PRODID:adamgibbons/ics
METHOD:PUBLISH
X-WR-CALNAME:Team
X-PUBLISHED-TTL:PT1H
BEGIN:VEVENT
UID:1@example.com
SUMMARY:Meeting\, weekly\; x
DTSTAMP:
DTSTART:20240305T080000Z
DTEND:20240305T000000Z
SEQUENCE:2
DESCRIPTION:Line one\nline two\, and a long one that goes on and on and on 
	and on until it must be folded
URL:https://example.com/x
LOCATION:ä\;\,\\\n
STATUS:TENTATIVE
ORGANIZER;CN=Ann:mailto:ann@example.com
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
ATTENDEE;RSVP=TRUE;CN=Bob:mailto:bob@example.com
ATTENDEE;RSVP=FALSE;CN=Unnamed attendee:mailto:eve@example.com
RRULE:FREQ=WEEKLY;BYDAY=TU
END:VEVENT
END:VCALENDAR
"""


def write(engine: Engine, **parameters: Any) -> Any:
    return engine.run(chain(START, node("Event", "convertToFile", {"operation": "iCal", **parameters}, 1.1)))


def text_of(outcome: Any) -> str:
    [item] = outcome.data["resultData"]["runData"]["Event"][0]["data"]["main"][0]
    text = base64.b64decode(item["binary"]["data"]["data"]).decode()
    return re.sub(r"DTSTAMP:\d{8}T\d{6}Z", "DTSTAMP:", text)


def test_a_whole_event(engine: Engine) -> None:
    outcome = write(engine, **WHOLE)
    assert text_of(outcome) == WRITTEN.replace("\n", "\r\n")
    [item] = outcome.data["resultData"]["runData"]["Event"][0]["data"]["main"][0]
    assert (item["binary"]["data"]["fileName"], item["binary"]["data"]["mimeType"]) == ("meet.ics", "text/calendar")


@pytest.mark.parametrize(
    ("parameters", "lines"),
    [
        ({"allDay": True}, ["DTSTART;VALUE=DATE:20240305", "DTEND;VALUE=DATE:20240306"]),
        ({"title": ""}, ["SUMMARY:Untitled event"]),
        (
            {"additionalFields": {"geolocationUi": {"geolocationValues": {"lat": "52.5", "lon": "13.4"}}}},
            ["GEO:52.5;13.4"],
        ),
        ({"additionalFields": {"calName": "x\r\nMETHOD:CANCEL"}}, ["X-WR-CALNAME:x METHOD:CANCEL"]),
    ],
)
def test_what_stands_in_an_event(engine: Engine, parameters: dict[str, Any], lines: list[str]) -> None:
    written = text_of(write(engine, **{**EVENT, **parameters})).split("\r\n")
    assert set(lines) <= set(written)
    assert "METHOD:CANCEL" not in written


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"start": "tomorrow or so"}, "'start' is not a date: tomorrow or so"),
        ({"start": "={{ $json.nope }}"}, "'start' is not a date: undefined"),
        ({"end": "={{ null }}"}, "'end' is not a date: null"),
        ({"additionalFields": {"url": "no url"}}, "The event cannot be written: 'no url' is not a URL"),
        (
            {"additionalFields": {"organizerUi": {"organizerValues": {"name": "A", "email": "none"}}}},
            "The event cannot be written: 'none' is not an e-mail address",
        ),
        (
            {"additionalFields": {"geolocationUi": {"geolocationValues": {"lat": "x", "lon": "1"}}}},
            "The event cannot be written: 'lat' is not a number: x",
        ),
    ],
)
def test_what_is_no_event(engine: Engine, parameters: dict[str, Any], said: str) -> None:
    outcome = write(engine, **{**EVENT, **parameters})
    assert outcome.error is not None
    assert outcome.error.message == said


def test_the_texts_of_an_event_count_while_it_is_written(engine: Engine) -> None:
    """They are there several times by then: escaped, folded and as a whole."""
    ports = Ports(history=MemoryHistory(), meter=Meter(10**6))
    given = {"operation": "iCal", **EVENT, "title": "x" * 400_000}
    outcome = engine.run(chain(START, node("Event", "convertToFile", given, 1.1)), ports=ports)
    assert outcome.error is not None
    assert "takes more memory than it may" in outcome.error.message
