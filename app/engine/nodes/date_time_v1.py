"""Date & Time, version 1, whose formats are those of moment: they are put into luxon's before the sandbox sees them."""

import re
from typing import Any

from app.engine.context import NodeContext
from app.engine.errors import NodeError
from app.engine.issues import required
from app.engine.registry import Item, Outputs, node

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
}
"""moment's tokens, each as luxon writes it."""
_TOKEN = re.compile(r"\[([^\]]*)\]|(Do)|(" + "|".join(sorted(LUXON, key=len, reverse=True)) + r")|(a|A)|(.)", re.DOTALL)

PROGRAM = """={{ (({ p, format, fromFormat, zone }) => {
  const options = p.options ?? {};
  const suffix = (day) => (day > 3 && day < 21 ? 'th' : (['th', 'st', 'nd', 'rd'][day % 10] ?? 'th'));
  const read = (value, format, from) => {
    const text = String(value).trim();
    const reading = { zone: from ?? 'utc', setZone: !from };
    if (format) return DateTime.fromFormat(text, format, reading);
    if (typeof value === 'number') return DateTime.fromMillis(value, { zone: 'utc' });
    for (const way of ['fromISO', 'fromHTTP', 'fromRFC2822', 'fromSQL']) {
      const found = DateTime[way](text, reading);
      if (found.isValid) return found;
    }
    return DateTime.fromJSDate(new Date(text));
  };
  const write = (date, format) => format
    .map(([kind, text]) => {
      if (kind === 'ordinal') return date.day + suffix(date.day);
      if (kind === 'meridiem') return date.hour < 12 ? text : text.replace('a', 'p').replace('A', 'P');
      return kind === 'token' ? date.toFormat(text) : text;
    })
    .join('');
  if (p.value === null || p.value === undefined || p.value === '') return { made: null };
  const date = read(p.value, fromFormat, options.fromTimezone);
  if (!date.isValid) return { failed: 'The date input format is not recognized.' };
  if ((p.action ?? 'format') === 'format') {
    return { made: write(options.toTimezone ? date.setZone(options.toTimezone) : date, format) };
  }
  const length = { [p.timeUnit ?? 'days']: Number(p.duration ?? 0) };
  const moved = (p.operation ?? 'add') === 'add' ? date.plus(length) : date.minus(length);
  return { made: moved.toUTC().toISO() };
})($json) }}"""


def _issues(parameters: dict[str, Any], version: float) -> list[str]:
    return required(parameters, value="Value")


@node("dateTime", [1], issues=_issues)
async def date_time_v1(context: NodeContext) -> Outputs:
    resolved = await context.resolve(context.parameters, parameter="value")
    rows = []
    for parameters in resolved:
        options = parameters.get("options") or {}
        rows.append(
            {
                "p": parameters,
                "format": _pieces(str(parameters.get("toFormat", "MM/DD/YYYY"))),
                "fromFormat": _luxon_format(str(options["fromFormat"])) if options.get("fromFormat") else None,
                "zone": context.timezone,
            }
        )
    put_out: list[Item] = []
    for index, answer in enumerate(await context.evaluate_javascript(PROGRAM, rows)):
        if not isinstance(answer, dict) or "failed" in answer:
            message = (answer or {}).get("failed") or "The date input format is not recognized."
            if not context.continues_on_fail:
                raise NodeError(message, item_index=index)
            put_out.append({"json": {"error": message}, "pairedItem": {"item": index}})
            continue
        name = str(resolved[index].get("dataPropertyName", "data"))
        json: dict[str, Any] = {**context.items[index]["json"], name: answer["made"]}
        put_out.append({**context.items[index], "json": json})
    return [put_out]


def _pieces(moment_format: str) -> list[tuple[str, str]]:
    """The format as pieces to write one after the other, each with its kind."""
    pieces: list[tuple[str, str]] = []
    for escaped, ordinal, token, meridiem, other in _TOKEN.findall(moment_format):
        if ordinal:
            pieces.append(("ordinal", ordinal))
        elif token:
            pieces.append(("token", LUXON[token]))
        elif meridiem:
            pieces.append(("meridiem", "am" if meridiem == "a" else "AM"))
        else:
            pieces.append(("text", escaped or other))
    return pieces


def _luxon_format(moment_format: str) -> str:
    """The whole format in luxon's words, for reading a date."""
    written = {"ordinal": "d", "meridiem": "a"}
    return "".join(
        "'" + text.replace("'", "") + "'" if kind == "text" else written.get(kind, text)
        for kind, text in _pieces(moment_format)
    )
