"""What each row of a list of executions begins and ends with, as HTML.

A page has hundreds of these pieces, and a template takes five times as long to put them together.
"""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from markupsafe import Markup, escape

from app.console.texts import (
    MAX_FIELDS,
    SEPARATOR,
    duration,
    machine_time,
    mode_word,
    preview,
    shown,
    status_icon,
    when,
)
from app.repository.executions import Execution
from app.vocabulary import IN_FLIGHT, RETRYABLE


def row_start(e: Execution) -> Markup:
    """The tag of the row, the box that selects it, and the icon of its status."""
    live = " data-live" if e.status in IN_FLIGHT else ""
    return Markup(
        f'<li class="row s-{e.status}" id="e-{e.id}"{live}>\n'
        f'  <label class="pick"><input type="checkbox" name="id" value="{e.id}"'
        f' aria-label="Select execution {e.id}"></label>\n  {status_icon(e.status)}'
    )


def execution_link(e: Execution) -> Markup:
    """The name of its workflow, which leads to it, and its id."""
    return Markup(f'<a href="/console/executions/{e.id}">{escape(e.workflow_name)}</a> <span class="id">#{e.id}</span>')


def subject(e: Execution, custom: Mapping[str, str]) -> Markup:
    """What it was about: its custom data, each leading to those that have the same, and the first fields of its input.

    What its input shows already is not said twice.
    """
    fields = "" if e.input_preview is None else preview(e.input_preview)
    known = fields.split(SEPARATOR)
    pairs = [(key, value) for key, value in custom.items() if f"{key} {value}" not in known]
    links = "".join(custom_link(key, value) for key, value in pairs[:MAX_FIELDS])
    return Markup(links + (f' <span class="preview">{escape(fields)}</span>' if fields else ""))


def custom_link(key: str, value: str) -> str:
    """A link to the executions that have noted the same, as HTML."""
    query = escape(urlencode({"metadataKey": key, "metadataValue": value}))
    return f' <a class="note" href="/console/executions?{query}">{escape(key)} {escape(shown(value))}</a>'


def row_end(e: Execution, may_stop: bool, may_retry: bool) -> Markup:
    """What started it, when, how long it took, and what can be done about it."""
    return Markup(
        f'<span class="mode">{escape(mode_word(e.mode))}</span>\n'
        f'  <span class="time">{when(e.started_at or e.created_at)}</span>\n'
        f'  <span class="took">{took(e)}</span>\n  <span class="acts">{act(e, may_stop, may_retry)}</span>\n</li>'
    )


def took(e: Execution) -> str:
    """How long it took; of one that runs, what the page's script counts on from, as HTML."""
    if e.started_at and e.stopped_at:
        return duration((e.stopped_at - e.started_at).total_seconds())
    if e.status == "running" and e.started_at:
        return f'<span data-since="{machine_time(e.started_at)}">…</span>'
    return ""


def act(e: Execution, may_stop: bool, may_retry: bool) -> str:
    """The button of the row."""
    if may_stop and e.status in IN_FLIGHT:
        return button(e.id, "stop", "Stop", "was stopped")
    if may_retry and e.status in RETRYABLE:
        return button(e.id, "retry", "Retry", "is retried")
    return ""


def button(number: int, action: str, verb: str, outcome: str) -> str:
    """A button that calls an action of the API for one execution, as HTML."""
    return (
        f'<button type="button" class="quiet" data-api="POST /api/v1/executions/{number}/{action}"'
        f' data-done="Execution {number} {outcome}" title="{verb}">'
        f'<svg aria-hidden="true"><use href="#i-{action}"/></svg>'
        f'<span class="sr">{verb} execution {number}</span></button>'
    )


FILTERS: dict[str, Callable[..., Markup]] = {
    "row_start": row_start,
    "execution_link": execution_link,
    "row_end": row_end,
    "subject": subject,
}
