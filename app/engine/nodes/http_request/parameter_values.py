"""Single values of HTTP Request's parameters: times, counts and lists of named values."""

import math
from collections.abc import Sequence
from typing import Any

from app.engine.nodes.http_request.headers import check_method
from app.engine.run.computing import BYTES_OF_ONE, count_steps
from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.values import conversions
from app.engine.values.conversions import Undefined


def seconds(value: Any, default: float) -> float:
    """Milliseconds as the workflow gives them, in seconds."""
    number = conversions.to_number(value) if value not in (None, "") else default * 1000
    return number / 1000 if 0 < number < 3_600_000 else default


def request_timeout(value: Any, default: float, index: int) -> float:
    """How many seconds a request may take, of the milliseconds that an option says; `default` where it says nothing.

    Raises NodeError for what is no number: the request must not go without the bound that was meant.
    """
    if not conversions.truthy(value):
        return default
    if isinstance(value, bool | list | dict) or math.isnan(conversions.to_number(value)):
        raise NodeError(f"The timeout '{conversions.display(value)}' is not a number.", item_index=index)
    return seconds(value, default)


def pause(value: Any) -> float:
    """Milliseconds between two batches, in seconds: one second where nothing is said, none for what is no time."""
    return 1.0 if value is None else seconds(value, 0.0)


def batch_size(value: Any) -> int:
    """How many requests go at once: -1, all of them, where it says less than none, or nothing that is a number."""
    number = conversions.to_number(value)
    return max(1, int(number)) if 0 <= number < math.inf else -1


def to_count(value: Any, default: int) -> int:
    """A number as a count; the default for what is none."""
    number = conversions.to_number(value)
    return int(number) if 0 < number < math.inf else default


def json_value(given: Any) -> Any:
    """The JSON that a text holds; another value is one already, but for undefined, NaN and infinities.

    Raises CannotConvert.
    """
    is_none = isinstance(given, Undefined) or (isinstance(given, float) and not math.isfinite(given))
    return conversions.parse_json(conversions.to_string(given)) if is_none or isinstance(given, str) else given


_TEXTS = frozenset(
    {"name", "value", "body", "rawContentType"} | {"jsonBody", "jsonHeaders", "jsonQuery", "bodyParametersJson"}
)


def work_of_request(item: Item, parameters: Any) -> float:
    """The size, for `compute`, of making a request of an item's parameters, which may list very much and name its
    files."""
    files = (item.get("binary") or {}).values()
    letters = sum(len(str(file.get("data") or "")) for file in files if isinstance(file, dict))
    return count_steps([parameters], parameters) + letters // BYTES_OF_ONE


def without_nulls(value: Any, key: str = "") -> Any:
    """Parameters before they are resolved, with an empty text for a null that stands where a text belongs."""
    if isinstance(value, dict):
        return {name: without_nulls(child, name) for name, child in value.items()}
    if isinstance(value, list):
        return [without_nulls(child) for child in value]
    return "" if value is None and key in _TEXTS else value


WITH_UNDEFINED = frozenset(
    {"name", "value", "url", "body", "rawContentType", "jsonBody", "jsonHeaders", "jsonQuery"}
    | {"bodyParametersJson", "headerParametersJson", "queryParametersJson"}
    | {"outputPropertyName", "dataPropertyName"}
)
"""The fields of parameters in which undefined is something else than null."""


def replace_undefined(value: Any, key: str = "") -> Any:
    """Parameters as they were resolved exactly, with null for undefined where the node makes no difference."""
    if isinstance(value, dict):
        return {name: replace_undefined(child, name) for name, child in value.items()}
    if isinstance(value, list):
        return [replace_undefined(child) for child in value]
    return None if isinstance(value, Undefined) and key not in WITH_UNDEFINED else value


def method_of(given: Any, index: int) -> str:
    """The method of a request; GET where nothing is said. Raises NodeError for what is no text, or no method's name."""
    if conversions.truthy(given) and not isinstance(given, str | Undefined):
        raise NodeError(f"The method has to be a text, but it is {conversions.type_name(given)}", item_index=index)
    method = given if given and isinstance(given, str) else "GET"
    check_method(method, index)
    return method


def list_of(group: Any, name: str) -> Any:
    """The entries of a list in the editor; the one without a name that the editor begins with, where there is no
    list, or a text in its place."""
    if group is None:
        return [{}]
    entries = group.get(name) if isinstance(group, dict) else None
    return [{}] if isinstance(entries, str) and entries else entries


def pairs(entries: Sequence[dict[str, Any]] | None) -> list[tuple[str, Any]]:
    """The named values of a list in the editor; those whose value is undefined are left out."""
    return [
        (conversions.to_string(entry.get("name", "")), entry.get("value", ""))
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and not isinstance(entry.get("value"), Undefined)
    ]


def values_by_name(entries: Any, *, grouped: bool) -> dict[str, Any]:
    """The named values of a list in the editor; those that are undefined are left out.

    Where a name comes more than once its last value counts, or, `grouped`, all of them: a list that comes first takes
    the others in.
    """
    values: dict[str, Any] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            name, value = conversions.to_string(entry.get("name", "")), entry.get("value", "")
            again = grouped and name in values and not isinstance(values[name], Undefined)
            values[name] = [*_listed(values[name]), value] if again else value
    return {name: _given(value) for name, value in values.items() if not isinstance(value, Undefined)}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _given(value: Any) -> Any:
    return [each for each in value if not isinstance(each, Undefined)] if isinstance(value, list) else value
