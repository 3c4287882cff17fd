"""Dates and times as n8n's nodes accept them: ISO 8601, SQL, HTTP and a few that people write.

Knows no node; every answer is an aware datetime.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LOOSE = (
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%m-%d-%Y",
    "%b %d %Y",
    "%B %d %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%a %b %d %Y %H:%M:%S GMT%z",
    "%a %b %d %Y",
)
MAX_DATE_LENGTH = 1_000
"""Characters of a text that may still be a date; what reads dates is not made for longer ones."""
WAIT_INDEFINITELY = datetime(3000, 1, 1, tzinfo=UTC)
"""Until when something waits that no time ends, as n8n stores it."""
DATE_HINT = (
    ' <br/><br/> Consider using <a href="https://moment.github.io/luxon/api-docs/index.html#datetimefromformat" '
    'target="_blank"><code>DateTime.fromFormat</code></a> to work with custom date formats.'
)
"""What n8n adds where a date is wanted."""
_YEAR = re.compile(r"\d{4}\Z")
_MONTH = re.compile(r"\d{4}-\d{2}\Z")
_SHORT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})\Z")
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})\Z")
_FRACTION = re.compile(r"(\.\d{6})\d+")


def zone(name: str) -> ZoneInfo:
    """The time zone of that name; UTC for a name that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def to_iso(time: datetime) -> str:
    """The time as n8n writes it into data: UTC, milliseconds, Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_local_iso(time: datetime) -> str:
    """The time with its own offset, as luxon writes it: Z only for a time that is always in UTC."""
    text = time.isoformat(timespec="milliseconds")
    fixed = not isinstance(time.tzinfo, ZoneInfo) or time.tzinfo.key in ("UTC", "Etc/UTC")
    return text.removesuffix("+00:00") + "Z" if fixed and not time.utcoffset() else text


def parse(text: str, timezone: str = "UTC") -> datetime | None:
    """The time that `text` names, in `timezone` where it has no offset; None when it names none."""
    if len(text) > MAX_DATE_LENGTH:
        return None
    text = text.strip()
    moment = _parse_iso(text) or _parse_mail(text) or _parse_loose(_without_comment(text))
    if moment is None:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone(timezone))


def _without_comment(text: str) -> str:
    """A date without the name of the zone in brackets that JavaScript writes behind it."""
    if not text.endswith(")"):
        return text
    begin = text.find("(", text.rfind(")", 0, -1) + 1)
    return text[:begin].rstrip() if begin >= 0 else text


def _parse_iso(text: str) -> datetime | None:
    if _YEAR.match(text):
        return datetime(int(text), 1, 1) if int(text) else None
    if _MONTH.match(text):
        text += "-01"
    ordinal = _ORDINAL.match(text)
    try:
        if ordinal:
            return datetime(int(ordinal[1]), 1, 1) + timedelta(days=int(ordinal[2]) - 1)
        if short := _SHORT.match(text):
            return datetime(int(short[1]), int(short[2]), int(short[3]))
        return datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    except ValueError:
        return None


def _parse_mail(text: str) -> datetime | None:
    if "," not in text and not text[:1].isdigit():
        return None
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None


def _parse_loose(text: str) -> datetime | None:
    for pattern in _LOOSE:
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    return None
