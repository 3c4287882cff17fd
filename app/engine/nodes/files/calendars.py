"""Calendars in iCalendar form (RFC 5545): read by ts-ics in the sandbox, written here, one event each."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from app.engine.nodes.files.library_calls import call_library
from app.engine.run.computing import BYTES_OF_ONE, compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.memory import weigh
from app.engine.run.programs import evaluate_javascript
from app.engine.sandbox import bundles
from app.engine.values.conversions import CannotConvert, Undefined, convert, display

READ = "const answer = ({ text }) => calendars.icsCalendarToObject(text);"
MOMENTS = "={{ [$json.start, $json.end].map((text) => text === null ? NaN : new Date(text).getTime()) }}"
HEAD = ("BEGIN:VCALENDAR", "VERSION:2.0", "CALSCALE:GREGORIAN", "PRODID:adamgibbons/ics", "METHOD:PUBLISH")
"""What n8n's events begin with, so that whoever reads them sees no difference."""
COPIES = 3
"""So often the texts of an event are there while it is written: escaped, folded and as a whole."""
_LINE_BREAK = re.compile(r"\r\n|[\r\n]")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s]+\Z")
_PARAMETER_SIGNS = re.compile(r'[";:,]')
_MAILBOX = re.compile(r"[^\s@,;:]{1,64}@[^\s@,;:]{1,255}")


async def read_calendars(context: NodeContext, texts: list[str]) -> list[dict[str, Any]]:
    """For each text {"made": calendar} or {"failed": why}. Raises NodeError."""
    program = await bundles.program(READ, calendars="ts-ics/dist/index.cjs")
    return await call_library(context, program, [{"text": text} for text in texts])


async def write_event(context: NodeContext, parameters: dict[str, Any], index: int) -> str:
    """The event that the parameters of one item describe, as text. Raises NodeError."""
    given = {"start": parameters.get("start"), "end": parameters.get("end")}
    known = {name: None if isinstance(value, Undefined) else value for name, value in given.items()}
    [moments] = await evaluate_javascript(context, MOMENTS, [known])
    for name, moment in zip(given, moments, strict=True):
        if moment is None:
            raise NodeError(f"'{name}' is not a date: {display(given[name])}", item_index=index)
    size = weigh([parameters])
    try:
        start, end = (datetime.fromtimestamp(moment / 1000, UTC) for moment in moments)
        with context.holding(COPIES * size):
            return await compute(_written, parameters, start, end, datetime.now(UTC), size=size // BYTES_OF_ONE)
    except (ValueError, OverflowError) as error:
        raise NodeError(f"The event cannot be written: {error}", item_index=index) from error


def _written(parameters: dict[str, Any], start: datetime, end: datetime, now: datetime) -> str:
    """The event's lines, folded. Raises ValueError."""
    written = io.StringIO()
    for line in _lines(parameters, parameters.get("additionalFields") or {}, start, end, now):
        written.write(line[:75])
        for place in range(75, len(line), 74):
            written.write("\r\n\t")
            written.write(line[place : place + 74])
        written.write("\r\n")
    return written.getvalue()


def _lines(
    parameters: dict[str, Any], fields: dict[str, Any], start: datetime, end: datetime, now: datetime
) -> Iterator[str]:
    def said(name: str, key: str, *, escape: bool = False) -> Iterator[str]:
        text = display(fields.get(key) or "")
        if text:
            yield f"{name}:{_escape(text) if escape else _one_line(text)}"

    yield from HEAD
    yield from said("X-WR-CALNAME", "calName")
    yield from ("X-PUBLISHED-TTL:PT1H", "BEGIN:VEVENT")
    yield f"UID:{_one_line(display(fields.get('uid') or uuid4()))}"
    yield f"SUMMARY:{_escape(display(parameters.get('title') or 'Untitled event'))}"
    yield f"DTSTAMP:{_moment(now)}"
    yield from _begin_and_end(start, end, all_day=bool(parameters.get("allDay")))
    if fields.get("sequence"):
        yield f"SEQUENCE:{_number(fields, 'sequence')}"
    yield from said("DESCRIPTION", "description", escape=True)
    if fields.get("url") and not _ADDRESS.match(display(fields["url"])):
        raise ValueError(f"'{display(fields['url'])}' is not a URL")
    yield from said("URL", "url")
    place = (fields.get("geolocationUi") or {}).get("geolocationValues")
    if place:
        yield f"GEO:{_number(place, 'lat')};{_number(place, 'lon')}"
    yield from said("LOCATION", "location", escape=True)
    yield from said("STATUS", "status")
    if organizer := (fields.get("organizerUi") or {}).get("organizerValues"):
        yield f"ORGANIZER;{_person(organizer, 'Organizer')}"
    yield from said("X-MICROSOFT-CDO-BUSYSTATUS", "busyStatus")
    yield from _attendees((fields.get("attendeesUi") or {}).get("attendeeValues") or [])
    yield from said("RRULE", "recurrenceRule")
    yield from ("END:VEVENT", "END:VCALENDAR")


def _begin_and_end(start: datetime, end: datetime, *, all_day: bool) -> Iterator[str]:
    if all_day:
        # An event ends on the day after its last one.
        yield f"DTSTART;VALUE=DATE:{start:%Y%m%d}"
        yield f"DTEND;VALUE=DATE:{end + timedelta(days=1):%Y%m%d}"
    else:
        yield f"DTSTART:{_moment(start)}"
        yield f"DTEND:{_moment(end)}"


def _attendees(attendees: list[dict[str, Any]]) -> Iterator[str]:
    for attendee in attendees:
        answer = "TRUE" if attendee.get("rsvp") else "FALSE"
        yield f"ATTENDEE;RSVP={answer};{_person(attendee, 'Unnamed attendee')}"


def _number(fields: dict[str, Any], name: str) -> str:
    try:
        return display(convert(fields.get(name), "number"))
    except CannotConvert:
        raise ValueError(f"'{name}' is not a number: {display(fields.get(name))}") from None


def _person(person: dict[str, Any], nameless: str) -> str:
    name = _PARAMETER_SIGNS.sub("", _one_line(display(person.get("name") or nameless)))
    address = display(person.get("email") or "")
    if address and not _MAILBOX.fullmatch(address):
        raise ValueError(f"'{address}' is not an e-mail address")
    return f"CN={name}:mailto:{address}" if address else f"CN={name}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escape(text: str) -> str:
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return _LINE_BREAK.sub(lambda _: "\\n", text)


def _one_line(text: str) -> str:
    """A value that nothing escapes: a line break in it would begin another property."""
    return _LINE_BREAK.sub(" ", text)
