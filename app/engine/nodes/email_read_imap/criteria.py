"""Which messages are wanted: n8n's custom rules, as the IMAP library asks for them."""

from datetime import date, datetime
from typing import Any

from app.engine.run.errors import NodeError
from app.engine.values.conversions import CannotConvert, parse_json

DATES = frozenset({"BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE"})
FORMATS = ("%B %d, %Y", "%b %d, %Y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%Y/%m/%d", "%m/%d/%Y")
MAX_DEPTH = 20


def read_criteria(text: Any) -> list[Any]:
    """The rules, as n8n writes them: `["UNSEEN", ["SINCE", "May 20, 2024"], "!FLAGGED"]`. Raises NodeError."""
    if not text:
        return ["UNSEEN"]
    try:
        given = parse_json(text) if isinstance(text, str) else text
    except CannotConvert:
        raise NodeError("Custom email config is not valid JSON.") from None
    if not isinstance(given, list):
        raise NodeError("Custom email config must be a list of rules.")
    return [part for rule in given for part in _rule(rule, 0)] or ["ALL"]


def _rule(rule: Any, depth: int) -> list[Any]:
    if depth > MAX_DEPTH:
        raise NodeError("The rules of the custom email config are nested too deep.")
    if isinstance(rule, str):
        name, negative = _name(rule)
        return [*negative, name]
    if not isinstance(rule, list) or not rule or not isinstance(rule[0], str):
        raise NodeError(f"Custom email config: this is not a rule: {str(rule)[:100]}")
    name, negative = _name(rule[0])
    if name == "OR":
        if len(rule) != 3:
            raise NodeError("Custom email config: OR needs two rules.")
        return [*negative, "OR", _rule(rule[1], depth + 1), _rule(rule[2], depth + 1)]
    values = [_date(value) if name in DATES else value for value in rule[1:]]
    if not all(isinstance(value, str | int | date) for value in values):
        raise NodeError(f"Custom email config: '{name}' has a value that is not a text.")
    return [*negative, name, *values]


def _name(text: str) -> tuple[str, list[str]]:
    negative = ["NOT"] if text.startswith("!") else []
    name = text.lstrip("!").strip().upper()
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise NodeError(f"Custom email config: this is not a rule: {text[:100]}")
    return name, list(negative)


def _date(value: Any) -> date:
    text = str(value).strip()
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        pass
    for form in FORMATS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise NodeError(f"Custom email config: this is not a date: {text[:100]}")
