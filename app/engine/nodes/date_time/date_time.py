"""Date & Time, version 2: dates formatted, moved, rounded, compared and taken apart, by luxon in the sandbox."""

from typing import Any

from app.engine.nodes.shared.date_texts import IMPOSSIBLE
from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import PLAIN, compute, slice_is_over, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.programs import evaluate_javascript
from app.engine.run.registry import node
from app.engine.values import conversions
from app.engine.values.conversions import Undefined

FIELDS = {
    "formatDate": "formattedDate",
    "addToDate": "newDate",
    "subtractFromDate": "newDate",
    "extractDate": "datePart",
    "roundDate": "roundedDate",
    "getTimeBetweenDates": "timeDifference",
    "getCurrentDate": "currentDate",
}
"""The operations, each with the field that its result goes to."""

DATES = ("date", "magnitude", "startDate", "endDate")
"""The parameters that hold dates; undefined is now."""

PROGRAM = """={{ (({ operation, p, zone }) => {
  const options = p.options ?? {};
  IMPOSSIBLE
  const parse = (value, format) => {
    if (value?.isUndefined) return DateTime.utc();
    const text = String(value).trim();
    if (format && typeof value !== 'number') return DateTime.fromFormat(text, format, { zone }).toUTC();
    if (!Number.isNaN(Number(value))) {
      const number = Number(value) * (Number.isInteger(Number(value)) ? 1 : 1000);
      return DateTime.fromMillis(Math.abs(number) < 1e11 ? number * 1000 : number, { zone: 'utc' });
    }
    if (isImpossible(text)) return DateTime.invalid('impossible');
    const reading = { zone: 'utc', setZone: true };
    for (const read of ['fromISO', 'fromHTTP', 'fromRFC2822', 'fromSQL']) {
      const found = DateTime[read](text, reading);
      const hours = found.offset < 0 ? found.offset / 60 : Math.trunc(found.offset / 60);
      const known = hours !== 0 && Number.isInteger(hours);
      if (found.isValid) return found.setZone(known ? `Etc/GMT${hours < 0 ? '+' : ''}${-hours}` : 'Etc/UTC');
    }
    const offset = /GMT([+-]\\d\\d):?(\\d\\d)/.exec(text);
    return DateTime.fromJSDate(new Date(text), { zone: offset ? `UTC${offset[1]}:${offset[2]}` : 'utc' });
  };
  const valid = (value, format) => {
    const found = parse(value, format);
    if (!found.isValid) throw new Error('Invalid date format');
    return found;
  };
  const length = (given) => (Number.isNaN(Number(given)) ? given : Number(given));
  const local = (value) => valid(value).setZone(zone);
  const work = {
    formatDate() {
      if (p.date === null) return null;
      if (p.date?.isUndefined) return undefined;
      const date = valid(p.date ?? '', options.fromFormat);
      const format = p.format === 'custom' ? p.customFormat : p.format;
      return (options.timezone ? date.setZone(zone) : date).toFormat(format ?? 'MM/dd/yyyy');
    },
    addToDate() { return local(p.magnitude).plus({ [p.timeUnit ?? 'days']: length(p.duration ?? 0) }).toISO(); },
    subtractFromDate() {
      return local(p.magnitude).minus({ [p.timeUnit ?? 'days']: length(p.duration ?? 0) }).toISO();
    },
    extractDate() {
      const part = p.part ?? 'month';
      return local(p.date).get(part === 'week' ? 'weekNumber' : part);
    },
    roundDate() {
      const date = local(p.date);
      if ((p.mode ?? 'roundDown') === 'roundDown') return date.startOf(p.toNearest ?? 'month').toISO();
      const unit = p.to ?? 'month';
      return date.plus({ [unit]: 1 }).startOf(unit).toISO();
    },
    getTimeBetweenDates() {
      const difference = local(p.endDate).diff(local(p.startDate), p.units ?? ['day']);
      return options.isoString ? difference.toISO() : difference.toObject();
    },
    getCurrentDate() {
      const wanted = options.timezone || zone;
      const now = DateTime.now().setZone(wanted);
      if (!now.isValid) throw new Error(`The timezone ${wanted} is not valid. Please check the timezone.`);
      return (p.includeTime ?? true ? now : now.startOf('day')).toISO();
    },
  };
  try { return { made: work[operation]() } } catch (error) { return { failed: error.message } }
})($json) }}""".replace("IMPOSSIBLE", IMPOSSIBLE)


ISSUES = rules(
    Required("magnitude", "Date to Add To", when={"operation": ["addToDate"]}),
    Required("timeUnit", "Time Unit to Add", "days", when={"operation": ["addToDate"]}),
    Required("magnitude", "Date to Subtract From", when={"operation": ["subtractFromDate"]}),
    Required("timeUnit", "Time Unit to Subtract", "days", when={"operation": ["subtractFromDate"]}),
)


@node("dateTime", [2], issues=ISSUES, plain=["operation"], exact=True, wraps_expression_errors=True)
async def date_time(context: NodeContext) -> Outputs:
    operation = context.parameters.get("operation", "getCurrentDate")
    if operation not in FIELDS:
        raise NodeError(f"The Date & Time node's operation '{operation}' is not supported.")
    resolved = await context.resolve_each(context.parameters, parameter="date", exact=True)
    rows = await compute(_rows, operation, resolved, context.timezone, size=len(resolved) / PLAIN)
    answers = await evaluate_javascript(context, PROGRAM, rows)
    output: list[Item] = []
    for index, (parameters, answer) in enumerate(zip(resolved, answers, strict=True)):
        if slice_is_over():
            await yield_to_loop()
        try:
            output.append(_item(context.items[index], index, operation, parameters, answer))
        except NodeError as error:
            if not context.continues_on_fail:
                raise
            forget_frames(error)
            output.append({"json": {"error": error.message}})  # as in n8n, without the item that it failed for
    return [output]


def _rows(operation: str, resolved: list[Any], timezone: str) -> list[dict[str, Any]]:
    """What the program gets for each item."""
    return [
        {"operation": operation, "p": {} if isinstance(each, NodeError) else _to_json(each), "zone": timezone}
        for each in resolved
    ]


def _to_json(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters in JSON, which has to say what it cannot hold in other words."""
    told = {name: value for name, value in parameters.items() if not isinstance(value, Undefined)}
    for name, value in parameters.items():
        if isinstance(value, Undefined) and name in DATES:
            told[name] = {"isUndefined": True}
        elif isinstance(value, float) and value != value:
            told[name] = "NaN"
    return told


def _item(item: Item, index: int, operation: str, parameters: Any, answer: Any) -> Item:
    if isinstance(parameters, NodeError):
        raise parameters
    if not isinstance(answer, dict) or "failed" in answer:
        raise NodeError((answer or {}).get("failed") or "Invalid date format", item_index=index)
    json = dict(item["json"]) if as_group(parameters.get("options")).get("includeInputFields") else {}
    if "made" in answer:
        named = parameters.get("outputFieldName")
        json[FIELDS[operation] if named is None else conversions.to_string(named)] = answer["made"]
    return {"json": json, "pairedItem": {"item": index}}
