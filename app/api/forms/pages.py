"""The pages as HTML: they work without scripts, on a phone as well, and load nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from html import escape

import nh3
from flask import Response

from app.api.face.html_pages import html_page, html_response
from app.triggers.forms import Form, FormField

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; media-src https:; base-uri 'none'; "
    "sandbox allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads allow-top-navigation"
)
"""No script runs, whatever a workflow's author puts into a page, and no page counts as one of this server's origin."""
STYLE = """
:root { --font-family: system-ui, sans-serif; --color-background: #f6f7f9; --color-card-bg: #fff;
  --color-card-border: #d5d9e0; --color-header: #2c3036; --color-label: #40454d; --color-input-border: #aab1bd;
  --color-input-text: #222; --color-focus-border: #2457c5; --color-submit-btn-bg: #2457c5;
  --color-submit-btn-text: #fff; --color-error: #b3151f; --color-required: #b3151f; --color-html-text: #333;
  --border-radius-card: 8px; --border-radius-input: 6px; --container-width: 34rem; }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem 1rem; background: var(--color-background); font-family: var(--font-family);
  line-height: 1.45; color: var(--color-html-text); }
main { max-width: var(--container-width); margin: 0 auto; }
.card { background: var(--color-card-bg); border: 1px solid var(--color-card-border);
  border-radius: var(--border-radius-card); padding: 1.5rem; }
h1 { margin: 0 0 .5rem; font-size: 1.4rem; color: var(--color-header); overflow-wrap: anywhere; }
.description { white-space: pre-line; margin: 0 0 1rem; }
.field { margin: 0 0 1.1rem; border: 0; padding: 0; min-width: 0; }
label, legend { display: block; margin: 0 0 .3rem; padding: 0; font-weight: 600; color: var(--color-label);
  overflow-wrap: anywhere; }
.choice { display: flex; gap: .5rem; align-items: baseline; font-weight: 400; padding: .3rem 0; }
input:not([type=checkbox], [type=radio]), select, textarea { width: 100%; padding: .6rem; font: inherit;
  color: var(--color-input-text); background: #fff; border: 1px solid var(--color-input-border);
  border-radius: var(--border-radius-input); }
:focus-visible { outline: 3px solid var(--color-focus-border); outline-offset: 1px; }
button { width: 100%; padding: .8rem; font: inherit; font-weight: 600; border: 0; cursor: pointer;
  border-radius: var(--border-radius-input); background: var(--color-submit-btn-bg);
  color: var(--color-submit-btn-text); }
.error { color: var(--color-error); margin: .3rem 0 0; } .required { color: var(--color-required); }
"""


def form_page(
    form: Form, values: Mapping[int, Sequence[str]], problems: Mapping[int, str] | None = None, *, status: int = 200
) -> Response:
    """The form with these values in its fields, and what is wrong with them."""
    problems = problems or {}
    fields = "".join(
        _field(place, field, values.get(place, []), problems.get(place)) for place, field in enumerate(form.fields)
    )
    summary = '<p class="error" role="alert">Please look at the fields that are marked.</p>' if problems else ""
    body = (
        f"{_head(form.title, form.description)}{summary}"
        f'<form method="post" enctype="multipart/form-data" accept-charset="utf-8">{fields}'
        f'<button type="submit">{escape(form.button)}</button></form>'
    )
    return page(form.title or "Form", body, css=form.css, status=status)


def message_page(title: str, text: str, *, css: str = "", status: int = 200) -> Response:
    """A page that says something."""
    return page(title, _head(title, text), css=css, status=status)


def waiting_page() -> Response:
    """A page that looks again until there is something to show."""
    response = page("Please wait", _head("Please wait", "The next page is being prepared."))
    response.headers["Refresh"] = "1"
    return response


def workflows_page(text: str) -> Response:
    """A page that a workflow has made itself."""
    return html_response(nh3.clean(text), POLICY)


def page(title: str, body: str, *, css: str = "", status: int = 200) -> Response:
    """A whole document, with this HTML on a card."""
    card = f'<main><div class="card">{body}</div></main>'
    return html_page(title, card, style=STYLE, policy=POLICY, css=css, status=status)


def _head(title: str, text: str) -> str:
    heading = f"<h1>{escape(title)}</h1>" if title else ""
    return heading + (f'<div class="description">{nh3.clean(text)}</div>' if text else "")


def _field(place: int, field: FormField, values: Sequence[str], problem: str | None) -> str:
    name = f"field-{place}"
    if field.kind == "html":
        return f'<div class="field">{nh3.clean(field.html)}</div>'
    if field.kind == "hiddenField":
        return f'<input type="hidden" name="{name}" value="{escape(values[0] if values else "")}">'
    star = ' <span class="required" aria-hidden="true">*</span>' if field.required else ""
    error = f'<p class="error" id="{name}-error">{escape(problem)}</p>' if problem else ""
    told = f' aria-invalid="true" aria-describedby="{name}-error"' if problem else ""
    if field.kind in ("checkbox", "radio"):
        kind = field.kind
        needed = " required" if field.required and kind == "radio" else ""
        choices = "".join(
            f'<label class="choice"><input type="{kind}" name="{name}" value="{escape(option)}"'
            f"{' checked' if option in values else ''}{needed}{told}> <span>{escape(option)}</span></label>"
            for option in field.options
        )
        return f'<fieldset class="field"><legend>{escape(field.label)}{star}</legend>{choices}{error}</fieldset>'
    control = _control(name, field, values, (" required" if field.required else "") + told)
    return f'<div class="field"><label for="{name}">{escape(field.label)}{star}</label>{control}{error}</div>'


def _control(name: str, field: FormField, values: Sequence[str], marks: str) -> str:
    value, at = values[0] if values else "", f'id="{name}" name="{name}"{marks}'
    hint = f' placeholder="{escape(field.placeholder)}"' if field.placeholder else ""
    if field.kind == "textarea":
        return f'<textarea rows="5" {at}{hint}>\n{escape(value)}</textarea>'
    if field.kind == "dropdown":
        first = "" if field.several else '<option value="">Select an option ...</option>'
        options = "".join(
            f'<option value="{escape(option)}"{" selected" if option in values else ""}>{escape(option)}</option>'
            for option in field.options
        )
        return f"<select {at}{' multiple' if field.several else ''}>{first}{options}</select>"
    if field.kind == "file":
        accept = f' accept="{escape(field.accept)}"' if field.accept else ""
        return f'<input type="file" {at}{accept}{" multiple" if field.several else ""}>'
    if field.kind == "number":
        return f'<input type="number" step="any" inputmode="decimal" {at}{hint} value="{escape(value)}">'
    kind = field.kind if field.kind in ("date", "email", "password") else "text"
    shown = "" if kind == "password" else f' value="{escape(value)}"'
    return f'<input type="{kind}" {at}{hint}{shown}>'
