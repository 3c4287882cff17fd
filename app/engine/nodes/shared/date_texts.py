"""Dates as people write them: what app.dates does not read, JavaScript may, as `.toDateTime()` does.

Asks the sandbox, once for all texts; but no text becomes another day than the one that it names.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from app import dates
from app.engine.run.computing import slice_is_over, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.programs import evaluate_javascript
from app.engine.values import conversions

READ = """={{ (({ text }) => {
  for (const read of ['fromISO', 'fromHTTP', 'fromRFC2822', 'fromSQL']) {
    const found = DateTime[read](text);
    if (found.isValid) return found.toMillis();
  }
  const moment = new Date(text).getTime();
  return Number.isNaN(moment) ? null : moment;
})($json) }}"""
IMPOSSIBLE = r"""const isImpossible = (text) => {
    const day = /^(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)/.exec(text);
    if (day) return !DateTime.fromObject({ year: +day[1], month: +day[2], day: +day[3] }).isValid;
    const isMail = /^[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d{4} /.test(text);
    return isMail ? !DateTime.fromRFC2822(text).isValid : /^\d{1,2}:\d\d/.test(text);
  };"""
"""JavaScript for programs of nodes that read dates: whether the text is a day that no month has, or no day at all.
JavaScript itself would take the one for another day and the other for today."""
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_END_OF_DAY = re.compile(r"(?:.*[T ])?24:", re.DOTALL)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def date_text(value: Any) -> str | None:
    """What is read of a value that may be a date: text, or a number or list as JavaScript writes it; else None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | list):
        return None
    return conversions.to_string(value)


async def read_dates(context: NodeContext, values: Iterable[Any], timezone: str | None = None) -> dict[str, datetime]:
    """The time of each value that names one, by its `date_text`; without a zone in `timezone` or the workflow's."""
    timezone = timezone or context.timezone
    known: dict[str, datetime] = {}
    unread: dict[str, None] = {}
    for text in map(date_text, values):
        if slice_is_over():
            await yield_to_loop()
        if text is None or text in known or text in unread:
            continue
        time = dates.parse(text, timezone)
        if time is not None:
            known[text] = time
        elif _may_name_a_day(text):
            unread[text] = None
    if unread:
        answers = await evaluate_javascript(context, READ, [{"text": text.strip()} for text in unread])
        zone = dates.zone(timezone)
        for text, milliseconds in zip(unread, answers, strict=True):
            if (moment := _moment(milliseconds)) is not None:
                known[text] = moment.astimezone(zone)
    return known


def _may_name_a_day(text: str) -> bool:
    """Whether JavaScript may be asked: it takes 30 February for 1 March, and 24:00 for tomorrow."""
    if not text.strip() or len(text) > dates.MAX_DATE_LENGTH or _END_OF_DAY.match(text):
        return False
    day = _DAY.match(text.strip())
    try:
        return day is None or datetime(int(day[1]), int(day[2]), int(day[3])) is not None
    except ValueError:
        return False


def _moment(milliseconds: Any) -> datetime | None:
    try:
        return None if milliseconds is None else EPOCH + timedelta(milliseconds=milliseconds)
    except (OverflowError, TypeError):
        return None
