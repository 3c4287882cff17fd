"""Forms: what a page asks for, read from a Form Trigger, Form or Wait node, and stored as JSON.

Knows n8n's parameters of forms; no HTML and no HTTP.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from app.triggers import InvalidTrigger, invalid_when_malformed, trigger_nodes
from app.triggers.paths import path_as_called
from app.triggers.schedules import timezone_of
from app.triggers.webhook_settings import WebhookSettings, check_authentication

TRIGGER = "n8n-nodes-base.formTrigger"
PAGE = "n8n-nodes-base.form"
WAIT = "n8n-nodes-base.wait"
CHAT = "@n8n/n8n-nodes-langchain.chat"
ASKING = "sendAndWait"
"""The operation of nodes that ask people something."""
METHOD = "FORM"
"""Stands for the method of a form's address: it is none that HTTP has, so that no webhook is taken for it."""
KINDS = frozenset(
    {
        "checkbox",
        "date",
        "dropdown",
        "email",
        "file",
        "hiddenField",
        "html",
        "number",
        "password",
        "radio",
        "text",
        "textarea",
    }
)
CHOICES = frozenset({"dropdown", "checkbox", "radio"})
MAX_FIELDS, MAX_OPTIONS = 200, 1_000
FIRST_PATH_IN_OPTIONS = 2.2
NAMES_APART = 2.4
"""From this version on a field has a name beside what people read."""
RECORDED = "Your response has been recorded"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field: `name` is its key in the output, `label` what people read; `limits`: the fewest and most choices."""

    name: str
    label: str
    kind: str
    required: bool = False
    placeholder: str = ""
    default: str = ""
    options: tuple[str, ...] = ()
    several: bool = False
    accept: str = ""
    limits: tuple[int, int | None] = (0, None)
    html: str = ""

    @property
    def is_list(self) -> bool:
        """Whether its value is a list, also of a single one."""
        return self.kind == "checkbox" or (self.kind in ("dropdown", "file") and self.several)


@dataclass(frozen=True, slots=True)
class Form:
    """A page. `text` is what is said once it is sent, `redirect` where people are sent to instead.

    `goes_on`: other pages may follow. `timezone`: in which the time of sending is told; None: in UTC.
    """

    title: str = ""
    description: str = ""
    button: str = "Submit"
    css: str = ""
    fields: tuple[FormField, ...] = ()
    text: str = RECORDED
    redirect: str = ""
    goes_on: bool = False
    timezone: str | None = None

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Form":
        """The form as it was stored; a key that is missing has its default."""
        known = {name: value for name, value in stored.items() if name in cls.__slots__}
        fields = tuple(
            FormField(
                **{
                    **each,
                    "options": tuple(each.get("options") or ()),
                    "limits": tuple(each.get("limits") or (0, None)),
                }
            )
            for each in known.pop("fields", ())
        )
        return cls(**known, fields=fields)


@dataclass(frozen=True, slots=True)
class FormAddress:
    """The address of a Form Trigger, with what its page asks for and whom it lets in."""

    node: str
    path: str
    settings: dict[str, Any]


def forms_of(document: dict[str, Any], instance_timezone: str = "UTC") -> list[FormAddress]:
    """The forms of a workflow's triggers. Raises InvalidTrigger for what cannot be followed."""
    forms = []
    for node in trigger_nodes(document, "formTrigger"):
        with invalid_when_malformed(node):
            forms.append(_address(document, node, instance_timezone))
    return forms


def _address(document: dict[str, Any], node: dict[str, Any], instance_timezone: str) -> FormAddress:
    name, parameters, version = node["name"], node.get("parameters") or {}, float(node.get("typeVersion") or 1)
    options = parameters.get("options") or {}
    given = parameters.get("path") if version < FIRST_PATH_IN_OPTIONS else options.get("path")
    path = path_as_called(name, str(given or node.get("webhookId") or ""))
    if not path:
        raise InvalidTrigger(f"Form '{name}' has no path")
    if any(segment.startswith(":") for segment in path.split("/")):
        raise InvalidTrigger(f"The path of form '{name}' must have no parameters: {path}")
    authentication = parameters.get("authentication") or "none"
    if authentication not in ("none", "basicAuth"):
        raise InvalidTrigger(f"The authentication '{authentication}' of node '{name}' is not supported")
    check_authentication(name, authentication, node.get("credentials") or {})
    access = WebhookSettings.from_json(
        {
            "responseMode": parameters.get("responseMode") or "onReceived",
            "authentication": authentication,
            "credentials": node.get("credentials"),
            "options": {key: options.get(key) for key in ("ignoreBots", "ipWhitelist")},
            "typeVersion": version,
        }
    )
    own_zone = options.get("useWorkflowTimezone", version > 2)
    form = read_form(
        parameters,
        version,
        goes_on=leads_to_page(document, name),
        timezone=timezone_of(document, instance_timezone) if own_zone and version >= 2 else None,
    )
    full = f"{path}/n8n-form" if version < 2 else path
    return FormAddress(name, full, {**access.to_json(), "form": form.to_json()})


def leads_to_page(document: dict[str, Any], start: str) -> bool:
    """Whether a way leads from the node to one that shows another page."""
    pages = {node["name"] for node in document.get("nodes") or [] if shows_page(node) and not node.get("disabled")}
    seen, due = {start}, [start]
    while due:
        for output in ((document.get("connections") or {}).get(due.pop()) or {}).get("main") or []:
            for target in output or []:
                if target["node"] in pages:
                    return True
                if target["node"] not in seen:
                    seen.add(target["node"])
                    due.append(target["node"])
    return False


def shows_page(node: Mapping[str, Any]) -> bool:
    """Whether a node of a workflow shows a page and waits for it, or ends with one."""
    if node.get("type") == WAIT:
        return (node.get("parameters") or {}).get("resume") == "form"
    return node.get("type") == PAGE


def asks_people(node: Mapping[str, Any]) -> bool:
    """Whether a node that waits has sent people a question with links (in a chat, the answer comes with the chat)."""
    return node.get("type") != CHAT and (node.get("parameters") or {}).get("operation") == ASKING


def read_form(
    parameters: Mapping[str, Any], version: float, *, goes_on: bool = False, timezone: str | None = None
) -> Form:
    """The page of a node whose expressions are evaluated. Raises InvalidTrigger."""
    options = parameters.get("options") or {}
    said = ((options.get("respondWithOptions") or {}).get("values")) or {}
    redirects = said.get("respondWith") == "redirect"
    return Form(
        title=_text(options.get("formTitle") or parameters.get("formTitle")),
        description=_text(options.get("formDescription") or parameters.get("formDescription")),
        button=_text(options.get("buttonLabel")) or "Submit",
        css=_text(options.get("customCss")),
        fields=tuple(_fields(_entries(parameters), version)),
        text=_text(said.get("formSubmittedText") or options.get("formSubmittedText")) or RECORDED,
        redirect=_text(said.get("redirectUrl")).strip() if redirects else "",
        goes_on=goes_on,
        timezone=timezone,
    )


def _entries(parameters: Mapping[str, Any]) -> list[Any]:
    if parameters.get("defineForm") == "json":
        given = parameters.get("jsonOutput") or "[]"
        try:
            entries = orjson.loads(given) if isinstance(given, str) else given
        except orjson.JSONDecodeError as error:
            raise InvalidTrigger(f"The form's JSON cannot be read: {error}") from None
    else:
        entries = (parameters.get("formFields") or {}).get("values") or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidTrigger("The fields of the form must be a list of objects")
    if len(entries) > MAX_FIELDS:
        raise InvalidTrigger(f"A form can have at most {MAX_FIELDS} fields")
    return entries


def _fields(entries: Iterable[dict[str, Any]], version: float) -> Iterable[FormField]:
    for entry in entries:
        kind = str(entry.get("fieldType") or "text")
        if kind not in KINDS:
            raise InvalidTrigger(f"The form has a field of the unknown type '{kind}'")
        label, own = _text(entry.get("fieldLabel")), _text(entry.get("fieldName"))
        name = own or label if kind == "hiddenField" or version >= NAMES_APART else label or own
        if kind == "html":
            name = label = _text(entry.get("elementName"))
        options = [_text(each.get("option")) for each in (entry.get("fieldOptions") or {}).get("values") or []]
        if len(options) > MAX_OPTIONS:
            raise InvalidTrigger(f"A field of a form can have at most {MAX_OPTIONS} options")
        several = entry.get("multiselect", False) if kind == "dropdown" else entry.get("multipleFiles", True)
        yield FormField(
            name=name,
            label=label or name,
            kind=kind,
            required=bool(entry.get("requiredField")),
            placeholder=_text(entry.get("placeholder")),
            default=_text(entry.get("fieldValue") if kind == "hiddenField" else entry.get("defaultValue")),
            options=tuple(options) if kind in CHOICES else (),
            several=bool(several),
            accept=_text(entry.get("acceptFileTypes")),
            limits=_limits(entry) if kind == "checkbox" else (0, None),
            html=_text(entry.get("html")) if kind == "html" else "",
        )


def _limits(entry: Mapping[str, Any]) -> tuple[int, int | None]:
    if entry.get("limitSelection") == "exact":
        number = int(entry.get("numberOfSelections", 1))
        return number, number
    if entry.get("limitSelection") == "range":
        return int(entry.get("minSelections", 0)), int(entry.get("maxSelections", 1))
    return 0, None


def _text(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).replace("\x00", "")
