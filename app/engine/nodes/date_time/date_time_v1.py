"""Date & Time, version 1, whose formats are those of moment: they are put into luxon's before the sandbox sees them."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from app import dates
from app.engine.nodes.shared.date_texts import IMPOSSIBLE
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import weigh
from app.engine.run.programs import evaluate_javascript
from app.engine.run.registry import node
from app.engine.values import conversions

LUXON = {
    "YYYY": "yyyy",
    "YY": "yy",
    "MMMM": "LLLL",
    "MMM": "LLL",
    "MM": "LL",
    "M": "L",
    "DDDD": "ooo",
    "DDD": "o",
    "DD": "dd",
    "D": "d",
    "dddd": "EEEE",
    "ddd": "EEE",
    "E": "E",
    "GGGG": "kkkk",
    "WW": "WW",
    "W": "W",
    "Q": "q",
    "HH": "HH",
    "H": "H",
    "hh": "hh",
    "h": "h",
    "mm": "mm",
    "m": "m",
    "ss": "ss",
    "s": "s",
    "SSS": "SSS",
    "SS": "uu",
    "S": "uuu",
    "ZZ": "ZZZ",
    "Z": "ZZ",
    "X": "X",
    "x": "x",
    "LTS": "h:mm:ss a",
    "LT": "h:mm a",
    "LLLL": "EEEE, LLLL d, yyyy h:mm a",
    "LLL": "LLLL d, yyyy h:mm a",
    "LL": "LLLL d, yyyy",
    "L": "LL/dd/yyyy",
    "llll": "EEE, LLL d, yyyy h:mm a",
    "lll": "LLL d, yyyy h:mm a",
    "ll": "LLL d, yyyy",
    "l": "L/d/yyyy",
}
"""moment's tokens, each as luxon writes it."""
MAX_FORMAT_LENGTH = 10_000
ZONE_MARK = "\x00"
"""Where the abbreviation of the zone goes, which JavaScript does not know."""
_TOKEN = re.compile(
    r"\[([^\[\]]*)\]|(Do|d(?!d)|dd(?!d)|e|ww?|gggg|gg|GG(?!GG)|kk?|z)|("
    + "|".join(sorted(LUXON, key=len, reverse=True))
    + r")|(a|A)|(.)",
    re.DOTALL,
)

UNREADABLE = {
    "format": 'The date input format could not be recognized. Please set the "From Format" field',
    "calculate by format": 'Date input cannot be parsed. Please recheck the value and the "From Format" field.',
    "calculate": 'Unrecognized date input. Please specify a format in the "From Format" field.',
}

PROGRAM = """={{ (({ p, format, fromFormat }) => {
  const options = p.options ?? {};
  IMPOSSIBLE
  const calculates = p.action === 'calculate';
  const suffix = (day) => (day > 3 && day < 21 ? 'th' : (['th', 'st', 'nd', 'rd'][day % 10] ?? 'th'));
  const pad = (number, width = 2) => String(number).padStart(width, '0');
  const special = {
    Do: (date) => date.day + suffix(date.day),
    d: (date) => date.weekday % 7,
    e: (date) => date.weekday % 7,
    dd: (date) => date.toFormat('EEE').slice(0, 2),
    w: (date) => date.localWeekNumber,
    ww: (date) => pad(date.localWeekNumber),
    GG: (date) => pad(date.weekYear % 100),
    gg: (date) => pad(date.localWeekYear % 100),
    gggg: (date) => pad(date.localWeekYear, 4),
    k: (date) => date.hour || 24,
    kk: (date) => pad(date.hour || 24),
    z: () => '\\0',
  };
  const read = (value, format, from) => {
    const text = String(value).trim();
    const reading = { zone: from ?? 'utc', setZone: !from };
    if (format) return DateTime.fromFormat(text, format, reading);
    if (calculates) return DateTime.fromJSDate(new Date(Array.isArray(value) ? text : value), { zone: 'utc' });
    if (!Number.isNaN(Number(value))) {
      const number = Number(value) * (Number.isInteger(Number(value)) ? 1 : 1000);
      return DateTime.fromMillis(Math.abs(number) < 1e11 ? number * 1000 : number, { zone: 'utc' });
    }
    if (isImpossible(text)) return DateTime.invalid('impossible');
    for (const way of ['fromISO', 'fromHTTP', 'fromRFC2822', 'fromSQL']) {
      const found = DateTime[way](text, reading);
      if (found.isValid) return found.toUTC();
    }
    return DateTime.fromJSDate(new Date(text), { zone: 'utc' });
  };
  const write = (date, format) => format
    .map(([kind, text]) => {
      if (kind === 'special') return special[text](date);
      if (kind === 'meridiem') return date.hour < 12 ? text : text.replace('a', 'p').replace('A', 'P');
      return kind === 'token' ? date.toFormat(text) : text;
    })
    .join('');
  if (p.value === undefined) return calculates ? { failed: true } : {};
  const date = read(p.value, fromFormat, options.fromTimezone);
  if (!date.isValid) return { failed: true };
  if (!calculates) {
    const moved = options.toTimezone ? date.setZone(options.toTimezone) : date;
    return { made: write(moved.isValid ? moved : date, format), at: date.toMillis() };
  }
  const length = { [p.timeUnit ?? 'days']: Number(p.duration ?? 0) };
  const moved = (p.operation ?? 'add') === 'add' ? date.plus(length) : date.minus(length);
  return { made: moved.toUTC().toISO() };
})($json) }}""".replace("IMPOSSIBLE", IMPOSSIBLE)


ISSUES = rules(
    Required("value", "Value", when={"action": ["format"]}),
    Required("dataPropertyName", "Property Name", "data", when={"action": ["format"]}),
    Required("value", "Date Value", when={"action": ["calculate"]}),
    Required("operation", "Operation", "add", when={"action": ["calculate"]}),
    Required("timeUnit", "Time Unit", "days", when={"action": ["calculate"]}),
    Required("dataPropertyName", "Property Name", "data", when={"action": ["calculate"]}),
    defaults={"action": "format"},
)


@node("dateTime", [1], issues=ISSUES, plain=["operation"], exact=True)
async def date_time_v1(context: NodeContext) -> Outputs:
    resolved = await context.resolve_each({"value": "", **context.parameters}, parameter="value", exact=True)
    rows, formats = [], _Formats(context.hold)
    for index, given in enumerate(resolved):
        await yield_to_loop()
        try:
            rows.append(_row({} if isinstance(given, NodeError) else given, formats, index))
        except NodeError as error:
            forget_frames(error)
            resolved[index] = error
            rows.append(_row({}, formats, index))
    output: list[Item] = []
    for index, answer in enumerate(await evaluate_javascript(context, PROGRAM, rows)):
        if isinstance(resolved[index], NodeError):
            output.append(failed_item(context, resolved[index], index))
        elif not isinstance(answer, dict) or "failed" in answer:
            action = resolved[index].get("action", "format")
            message = UNREADABLE[
                "calculate by format" if action == "calculate" and rows[index]["fromFormat"] else action
            ]
            if not context.continues_on_fail:
                raise NodeError(message, item_index=index)
            output.append({"json": {"error": message}, "pairedItem": {"item": index}})
        elif "made" in answer:
            name = conversions.to_string(resolved[index].get("dataPropertyName", "data"))
            json: dict[str, Any] = {**context.items[index]["json"], name: _with_zone(answer, resolved[index])}
            output.append({**context.items[index], "json": json})
    return [output]


class _Formats:
    """What is made of the formats of all items, of each one once."""

    def __init__(self, hold: Callable[[int], None]) -> None:
        self._hold = hold
        self._made: dict[tuple[Callable[[str], Any], str], Any] = {}

    def made_by(self, make: Callable[[str], Any], value: Any, index: int) -> Any:
        """What `make` makes of a format. Raises NodeError for one that no date has, and TooMuchData."""
        if isinstance(value, dict | list):  # which may be long
            raise NodeError("A format has to be a text.", item_index=index)
        written = conversions.to_string(value)
        if len(written) > MAX_FORMAT_LENGTH:
            raise NodeError(f"A format is longer than {MAX_FORMAT_LENGTH:,} characters.", item_index=index)
        made = self._made.get((make, written))
        if made is None:
            made = make(written)
            self._hold(weigh([written, made]))
            self._made[make, written] = made
        return made


def _row(given: dict[str, Any], formats: _Formats, index: int) -> dict[str, Any]:
    """What the program sees of an item. Raises NodeError for a format that no date has, and TooMuchData."""
    parameters = {name: value for name, value in given.items() if not isinstance(value, conversions.Undefined)}
    asked = as_group(parameters.get("options")).get("fromFormat")
    return {
        "p": parameters,
        "format": formats.made_by(_pieces, parameters.get("toFormat", "MM/DD/YYYY"), index),
        "fromFormat": formats.made_by(_luxon_format, asked, index) if asked else None,
    }


def _with_zone(answer: dict[str, Any], parameters: dict[str, Any]) -> str:
    made = str(answer["made"])
    if ZONE_MARK not in made:
        return made
    zone = as_group(parameters.get("options")).get("toTimezone")
    moment = datetime.fromtimestamp(answer["at"] / 1000, dates.zone(zone or "UTC"))
    return made.replace(ZONE_MARK, (moment.tzname() or "") if zone else "")


def _pieces(moment_format: str) -> list[list[str]]:
    """The format as pieces to write one after the other, each with its kind."""
    pieces: list[list[str]] = []
    for escaped, special, token, meridiem, other in _TOKEN.findall(moment_format):
        if special:
            pieces.append(["special", special])
        elif token:
            pieces.append(["token", LUXON[token]])
        elif meridiem:
            pieces.append(["meridiem", "am" if meridiem == "a" else "AM"])
        else:
            pieces.append(["text", escaped or other])
    return pieces


def _luxon_format(moment_format: str) -> str:
    """The whole format in luxon's words, for reading a date."""
    written = {"special": "d", "meridiem": "a"}
    return "".join(
        "'" + text.replace("'", "") + "'" if kind == "text" else written.get(kind, text)
        for kind, text in _pieces(moment_format)
    )
