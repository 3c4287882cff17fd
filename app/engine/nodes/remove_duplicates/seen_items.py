"""Remove Duplicates over executions: which items are new against what earlier executions of the workflow have seen."""

import re
from collections.abc import Callable
from typing import Any

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.histories import History, HistoryRefused
from app.engine.run.items import Item, Outputs
from app.engine.run.programs import evaluate_javascript
from app.engine.values import conversions

SEEN = "removeItemsSeenInPreviousExecutions"
CLEAR = "clearDeduplicationHistory"
NEW_VALUE = "removeItemsWithAlreadySeenKeyValues"
HIGHER = "removeItemsUpToStoredIncrementalKey"
LATER = "removeItemsUpToStoredDate"
VALUES = {NEW_VALUE: "dedupeValue", HIGHER: "incrementalDedupeValue", LATER: "dateDedupeValue"}
"""Each way to tell new items, with the parameter that holds an item's value."""

HISTORY_SIZE = 10_000
_INDEX = re.compile(r"(0|[1-9]\d{0,9})\Z")
_MAX_INDEX = 2**32 - 2

REFUSED = {
    "kind": (
        "Deduplication Failed: Deduplication data was originally saved with an incompatible setting of the "
        "\u2018Keep Items Where\u2019 parameter. Try \u2019Clean Database\u2019 operation to reset."
    ),
    "full": (
        "The number of items to be processed exceeds the maximum history size. Please increase the history size or "
        "reduce the number of items to be processed."
    ),
    "workflow": "Only a stored workflow has a deduplication history.",
}
EMPTY = "The `Value to Dedupe` On is empty. Please provide a value."

TIME = """={{ (({ text, zone }) => {
  for (const read of ['fromISO', 'fromHTTP', 'fromRFC2822', 'fromSQL']) {
    const found = DateTime[read](text, { zone });
    if (found.isValid) return found.toMillis();
  }
  const found = new Date(text).getTime();
  return Number.isNaN(found) ? null : found;
})($json) }}"""


async def new_items(context: NodeContext) -> Outputs:
    """The items that are new, and those that are not."""
    logic = context.parameters.get("logic", NEW_VALUE)
    if logic not in VALUES:
        return [context.items]
    name = VALUES[logic]
    values = await context.resolve(context.parameters.get(name, ""), parameter=name)
    options = as_group(await context.resolve_first(context.parameters.get("options"), parameter="options"))
    scope, history = scope_of(context, options), history_of(context)
    try:
        if logic == NEW_VALUE:
            return await _unseen(context.items, values, options, scope, history)
        kind = "number" if logic == HIGHER else "date"
        ranks = _numbers(values) if logic == HIGHER else await _times(context, values)
        before = await history.pass_highest(scope, kind, max(ranks))
    except HistoryRefused as error:
        raise NodeError(REFUSED[error.reason], anonymous=error.reason == "kind") from None
    keys = [conversions.to_string(value) for value in (ranks if logic == HIGHER else values)]
    ordered = _by_key(context.items, keys)
    if before is None:
        return [[context.items[place] for place in ordered], []]
    ordered.sort(key=lambda place: ranks[place])
    return _split(context.items, ordered, lambda place: ranks[place] > before)


async def clear_history(context: NodeContext) -> Outputs:
    """Forget what was seen; all items pass."""
    options = as_group(await context.resolve_first(context.parameters.get("options"), parameter="options"))
    if context.parameters.get("mode", "cleanDatabase") == "cleanDatabase":
        await history_of(context).clear(scope_of(context, options))
    return [context.items]


def scope_of(context: NodeContext, options: dict[str, Any]) -> str:
    """Whose history it is: the node's, whatever its name, or one for all of the workflow."""
    if options.get("scope", "node") == "workflow":
        return "workflow"
    return f"node:{context.node.document.get('id') or context.node.name}"


def history_of(context: NodeContext) -> History:
    """Raises NodeError where nobody keeps one."""
    if context.execution.ports.history is None:
        raise NodeError("This execution cannot reach its workflow's deduplication history.")
    return context.execution.ports.history


async def _unseen(
    items: list[Item], values: list[Any], options: dict[str, Any], scope: str, history: History
) -> Outputs:
    keys = ["" if value is None else conversions.to_string(value) for value in values]
    size = conversions.to_number(options.get("historySize", HISTORY_SIZE))
    room = None if size != size else size
    new = await history.add_values(scope, list(dict.fromkeys(keys)), number=len(items), room=room)
    return _split(items, _by_key(items, keys), lambda place: keys[place] in new)


def _numbers(values: list[Any]) -> list[float]:
    numbers = []
    for value in values:
        if value in (None, ""):
            raise NodeError(EMPTY)
        number = conversions.to_number(value)
        if number != number:
            text = conversions.to_string(value)
            raise NodeError(f"The value '{text}' is not a number. Please provide a number.")
        numbers.append(float(number))
    return numbers


async def _times(context: NodeContext, values: list[Any]) -> list[float]:
    """The dates in milliseconds since 1970; one without an offset is in the workflow's time zone."""
    texts = [conversions.to_string(value) for value in values]
    rows = [{"text": text, "zone": context.timezone} for text in texts]
    times = await evaluate_javascript(context, TIME, rows)
    for value, text, time in zip(values, texts, times, strict=True):
        if value in (None, ""):
            raise NodeError(EMPTY)
        if time is None:
            raise NodeError(f"The value '{text}' is not a valid date. Please provide a valid date.")
    return [float(time) for time in times]


def _split(items: list[Item], ordered: list[int], is_new: Callable[[int], bool]) -> Outputs:
    outputs: Outputs = [[], []]
    for place in ordered:
        outputs[0 if is_new(place) else 1].append(items[place])
    return outputs


def _by_key(items: list[Item], keys: list[str]) -> list[int]:
    """The places of the items in the order of a JavaScript object by their keys: small integers first, ascending."""
    groups: dict[str, list[int]] = {}
    for place in range(len(items)):
        groups.setdefault(keys[place], []).append(place)
    indexes = sorted((key for key in groups if _INDEX.match(key) and int(key) <= _MAX_INDEX), key=int)
    others = [key for key in groups if not (_INDEX.match(key) and int(key) <= _MAX_INDEX)]
    return [place for key in (*indexes, *others) for place in groups[key]]
