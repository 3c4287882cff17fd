"""What somebody has sent with a form: read within bounds, checked against its fields, as n8n's item."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import orjson
from flask import request

from app.api.face.errors import Refused
from app.api.webhooks.bodies.errors import UnreadableBody
from app.api.webhooks.bodies.forms import form_pairs, multipart_pairs, plain_text
from app.api.webhooks.requests import received_body, unreadable
from app.notation import find_zone
from app.triggers.forms import Form, FormField

EMAIL = re.compile(r"[^@\s]{1,256}@[^@\s]{1,256}", re.ASCII)
NO_WORD = re.compile(r"\W", re.ASCII)
REQUIRED = "This field is required"
MAX_NUMBER_LENGTH = 400
MAX_LIST_LENGTH = 256 * 2**10
"""Of the options that were chosen, as JSON."""


@dataclass(slots=True)
class Submission:
    """`values` are what the item holds, by the fields' names; `given` what was sent, for a page that is shown again.

    `problems` are sentences by the place of the field.
    """

    values: dict[str, Any] = field(default_factory=dict)
    binary: dict[str, Any] = field(default_factory=dict)
    given: dict[int, list[str]] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)

    def item(self, form: Form, query: Mapping[str, str]) -> dict[str, Any]:
        """The item that the workflow gets."""
        json = {**self.values, "submittedAt": now(form.timezone), "formMode": "production"}
        if query:
            json["formQueryParameters"] = dict(query)
        return {"json": json, "binary": self.binary} if self.binary else {"json": json}


def now(timezone: str | None) -> str:
    """What time it is, with milliseconds, as n8n writes it; in UTC where nobody knows the time zone."""
    moment = datetime.now(UTC if timezone in (None, "UTC") else find_zone(timezone) or UTC)
    text = moment.isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z" if moment.tzinfo is UTC else text


def read_submission(form: Form) -> Submission:
    """The form of the present request. Raises Refused for a body that cannot be read."""
    fields, files = _read_pairs()
    made = Submission()
    for place, each in enumerate(form.fields):
        key = f"field-{place}"
        if each.kind == "html":
            if each.name:
                made.values[each.name] = each.html
        elif each.kind == "file":
            _take_files(made, place, each, [file for name, file in files if name == key and file["bytes"]])
        else:
            given = [value for name, value in fields if name == key]
            made.given[place] = given
            value, problem = _value(each, given)
            made.values[each.name] = value
            if problem:
                made.problems[place] = problem
    return made


def _read_pairs() -> tuple[list[tuple[str, str]], list[tuple[str, dict[str, Any]]]]:
    data = received_body()
    try:
        if request.mimetype == "multipart/form-data":
            return multipart_pairs(data, request.mimetype_params.get("boundary", ""), plain_text)
        if request.mimetype == "application/x-www-form-urlencoded" or not data:
            return form_pairs(data, request.mimetype_params.get("charset"), plain_text), []
    except UnreadableBody as problem:
        raise unreadable(problem) from None
    raise Refused(415, "A form must be sent as multipart/form-data")


def _take_files(made: Submission, place: int, each: FormField, files: list[dict[str, Any]]) -> None:
    key = NO_WORD.sub("_", each.name)
    told = [{"filename": file.get("fileName"), "mimetype": file["mimeType"], "size": file["bytes"]} for file in files]
    if each.required and not files:
        made.problems[place] = REQUIRED
    elif len(files) > 1 and not each.several:
        made.problems[place] = "Only one file can be sent"
    elif not all(_is_accepted(each.accept, file) for file in files):
        made.problems[place] = f"Only these files can be sent: {each.accept}"
    if not each.several:
        made.values[each.name] = told[0] if told else None
        if files:
            made.binary[key] = files[0]
        return
    made.values[each.name] = told or None
    made.binary |= {f"{key}_{number}": file for number, file in enumerate(files)}


def _is_accepted(accept: str, file: Mapping[str, Any]) -> bool:
    """Whether a file is of one of the kinds that a list as in `accept` of HTML names."""
    name, kind = str(file.get("fileName") or "").lower(), str(file["mimeType"]).lower()
    for wanted in filter(None, (part.strip().lower() for part in accept.split(","))):
        if wanted.startswith("."):
            if name.endswith(wanted):
                return True
        elif wanted in ("*", "*/*", kind) or (wanted.endswith("/*") and kind.startswith(wanted[:-1])):
            return True
    return not accept.strip()


def _value(each: FormField, given: list[str]) -> tuple[Any, str | None]:
    """What the item holds of a field, and what is wrong with it."""
    if each.is_list or each.kind == "radio":
        given = _spread(given)
    chosen = [value for value in given if value != ""]
    if each.required and not chosen:
        return None, REQUIRED
    if each.options:
        return _choice(each, given, chosen)
    if not given:
        return None, None
    value = given[0]
    if each.kind == "number":
        return _number(value)
    if each.kind == "email" and value and not EMAIL.fullmatch(value):
        return value, "This is not an email address"
    if each.kind == "date" and value and not _is_date(value):
        return value, "This is not a date"
    return value, None


def _choice(each: FormField, given: list[str], chosen: list[str]) -> tuple[Any, str | None]:
    if any(value not in each.options for value in chosen):
        return chosen, "This is not one of the options"
    if not each.is_list:
        return (given[0] if given else None), None
    fewest, most = each.limits
    if chosen and len(chosen) < fewest:
        return chosen, f"Choose at least {fewest}"
    if most is not None and len(chosen) > most:
        return chosen, f"Choose at most {most}"
    return chosen, None


def _number(text: str) -> tuple[Any, str | None]:
    if not text.strip():
        return None, None
    try:
        value = orjson.loads(text.strip().removeprefix("+")) if len(text) <= MAX_NUMBER_LENGTH else None
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text, "This is not a number"
    return value, None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _spread(given: list[str]) -> list[str]:
    """The values, where they came as one JSON list, as n8n's own pages send them."""
    if len(given) == 1 and given[0].startswith("[") and len(given[0]) <= MAX_LIST_LENGTH:
        try:
            values = orjson.loads(given[0])
        except orjson.JSONDecodeError:
            return given
        if isinstance(values, list) and all(isinstance(value, str) for value in values):
            return values
    return given
