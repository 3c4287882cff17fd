"""How times, sizes, durations and states are written on pages."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import orjson
from markupsafe import Markup

STATUS_WORDS = {
    "new": "Queued",
    "running": "Running",
    "waiting": "Waiting",
    "success": "Succeeded",
    "error": "Failed",
    "canceled": "Stopped",
    "crashed": "Crashed",
}
MODE_WORDS = {
    "manual": "By hand",
    "trigger": "Schedule or trigger",
    "webhook": "Webhook",
    "retry": "Retry",
    "integrated": "Sub-workflow",
    "error": "Error workflow",
    "cli": "Command line",
    "chat": "Chat",
    "internal": "Internal",
    "evaluation": "Evaluation",
    "agent": "Agent",
}
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
MAX_FIELDS = 4
SEPARATOR = " · "
MAX_FIELD_LENGTH = 60
"""Of what an execution was about, and letters of each."""
SIZES = ((2**30, "GB"), (2**20, "MB"), (2**10, "KB"))


def ago(moment: datetime) -> str:
    """How long ago, or in how long, to the unit that matters."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for unit, name in UNITS:
        if abs(seconds) >= unit:
            text = f"{int(abs(seconds) // unit)} {name}"
            return f"{text} ago" if seconds >= 0 else f"in {text}"
    return "now" if seconds >= -1 else "in a moment"


def ago_of_text(text: str) -> str:
    """The same of a time as the API writes it."""
    return ago(datetime.fromisoformat(text))


def machine_time(moment: datetime) -> str:
    """As HTML's `time` elements have it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def exact(moment: datetime) -> str:
    """The moment to the millisecond, in UTC."""
    return machine_time(moment).replace("T", " ").replace("Z", " UTC")


def when(moment: datetime) -> Markup:
    """How long ago, with the exact time on hover, as HTML."""
    text = machine_time(moment)
    told = text.replace("T", " ").replace("Z", " UTC")
    return Markup(f'<time datetime="{text}" title="{told}">{ago(moment)}</time>')


@cache
def status_icon(status: str) -> Markup:
    """The icon of a status, with its word for whoever does not see it, as HTML."""
    word = STATUS_WORDS[status]
    return Markup(
        f'<span class="status s-{status}" title="{word}"><svg aria-hidden="true"><use href="#i-{status}"/></svg>'
        f'<span class="sr">{word}</span></span>'
    )


def duration(seconds: float) -> str:
    """A length of time as one reads it: 12 ms, 1.4 s, 2 min 5 s."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    for (unit, name), (lower, lower_name) in zip(UNITS, (*UNITS[1:], (1, "s")), strict=True):
        if seconds >= unit:
            rest = int(seconds % unit // lower)
            return f"{int(seconds // unit)} {name}" + (f" {rest} {lower_name}" if rest else "")
    raise AssertionError


def size(count: int) -> str:
    """Bytes as one reads them."""
    return next((f"{count / unit:.1f} {name}" for unit, name in SIZES if count >= unit), f"{count} bytes")


def number(value: int) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,}"


def plural(count: int, one: str, many: str = "") -> str:
    """The count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def preview(fields: bytes) -> str:
    """The first fields of what an execution began with."""
    fields_read = orjson.loads(fields)
    return SEPARATOR.join(f"{name} {shown(value)}" for name, value in list(fields_read.items())[:MAX_FIELDS])


def shown(value: object) -> str:
    """A value of what an execution was about, cut where it is long."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= MAX_FIELD_LENGTH else text[:MAX_FIELD_LENGTH] + "…"


def cut(text: str, length: int) -> str:
    """The text, ended at a blank where it is longer than about this."""
    if len(text) <= length + 5:
        return text
    return text[: length - 3].rsplit(" ", 1)[0] + "..."


def status_word(status: str) -> str:
    """What people call a status."""
    return STATUS_WORDS[status]


def mode_word(mode: str) -> str:
    """What people call a mode."""
    return MODE_WORDS.get(mode, mode)


FILTERS: dict[str, Callable[..., str]] = {
    "ago": ago,
    "ago_of_text": ago_of_text,
    "exact": exact,
    "machine_time": machine_time,
    "duration": duration,
    "size": size,
    "number": number,
    "plural": plural,
    "when": when,
    "status_icon": status_icon,
    "preview": preview,
    "status_word": status_word,
    "mode_word": mode_word,
}
