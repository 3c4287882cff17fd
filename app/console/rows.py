"""The rows of a list of executions and the strips of last runs, as HTML.

A page has thousands of these pieces, and a template takes five times as long to put them together.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from urllib.parse import quote_plus

from markupsafe import Markup, escape

from app.console.texts import (
    MAX_FIELD_LENGTH,
    MAX_FIELDS,
    SEPARATOR,
    ago,
    cut,
    duration,
    machine_time,
    mode_word,
    preview,
    shown,
    status_icon,
    status_word,
    when,
)
from app.console.waits import goes_on_at
from app.repository.execution_stats import LastRun
from app.repository.executions import Execution
from app.vocabulary import IN_FLIGHT, RETRYABLE


def execution_row(
    e: Execution, custom: Mapping[str, str], missing: Container[int], may_read: bool, may_stop: bool, may_retry: bool
) -> Markup:
    """The whole row: what selects it, its status, what it was about, why it failed, and what can be done about it.

    To executions that are `missing` no link leads, and to none where `may_read` is false.
    """
    live = " data-live" if e.status in IN_FLIGHT else ""
    about = subject(e, custom) if may_read else ""
    return Markup(
        f'<li class="row s-{e.status}" id="e-{e.id}"{live}>\n'
        f'  <label class="pick"><input type="checkbox" name="id" value="{e.id}"'
        f' aria-label="Select execution {e.id}"></label>\n  {status_icon(e.status)}\n  <div class="what">\n'
        f'    <p class="name">{execution_link(e, may_read)}{"".join(marks(e, missing, may_read))}{about}</p>\n'
        f"    {reason(e)}\n  </div>\n"
        f'  <span class="mode">{escape(mode_word(e.mode))}</span>\n'
        f'  <span class="time">{when(e.started_at or e.created_at)}</span>\n'
        f'  <span class="took">{duration_of(e)}</span>\n'
        f'  <span class="acts">{act(e, may_stop, may_retry)}</span>\n</li>'
    )


def execution_link(e: Execution, may_read: bool) -> str:
    """The name of its workflow, which leads to it, and its id, as HTML."""
    name = (
        f'<a href="/console/executions/{e.id}">{escape(e.workflow_name)}</a>' if may_read else escape(e.workflow_name)
    )
    return f'{name} <span class="id">#{e.id}</span>'


def marks(e: Execution, missing: Container[int], may_read: bool) -> Iterator[str]:
    """What stands behind its name: its retries, tags and vote, as HTML."""
    if e.retry_of:
        yield relative(e.retry_of, "note", f"retry of #{e.retry_of}", missing, may_read)
    if e.retry_success_id:
        yield relative(e.retry_success_id, "note mended", f"mended by #{e.retry_success_id}", missing, may_read)
    for tag in e.tags:
        yield f' <a class="tag" href="/console/executions?tag={quote_plus(tag.id)}">{escape(tag.name)}</a>'
    if e.vote:
        yield (
            f' <span class="vote v-{e.vote}"><svg aria-hidden="true"><use href="#i-{e.vote}"/></svg>'
            f'<span class="sr">Voted {e.vote}</span></span>'
        )


def relative(number: int, kind: str, text: str, missing: Container[int], may_read: bool) -> str:
    """A link to an original or a retry, as HTML; what is there no more is only named."""
    if number in missing:
        return f' <span class="{kind}" title="It is not there any more">{text} (gone)</span>'
    if not may_read:
        return f' <span class="{kind}">{text}</span>'
    return f' <a class="{kind}" href="/console/executions/{number}">{text}</a>'


def reason(e: Execution) -> str:
    """Why it failed or when it goes on, and what somebody noted, as HTML."""
    said = ""
    if e.error_message is not None:
        node = f"<strong>{escape(cut(e.error_node, MAX_FIELD_LENGTH))}</strong> " if e.error_node else ""
        said = f'<p class="reason">{node}{escape(cut(e.error_message, 300))}</p>'
    elif e.status == "waiting" and e.wait_till:
        until = goes_on_at(e)
        said = f'<p class="about">{f"goes on {ago(until)}" if until else "waits without a time limit"}</p>'
    return said + (f'<p class="about">“{escape(cut(e.note, 160))}”</p>' if e.note else "")


def subject(e: Execution, custom: Mapping[str, str]) -> str:
    """What it was about: its custom data, each leading to those that have the same, and the first fields of its input.

    What its input shows already is not said twice. As HTML.
    """
    fields = "" if e.input_preview is None else preview(e.input_preview)
    known = fields.split(SEPARATOR)
    noted = [(key, value) for key, value in custom.items() if f"{key} {value}" not in known]
    links = "".join(custom_link(key, value) for key, value in noted[:MAX_FIELDS])
    return links + (f' <span class="preview">{escape(fields)}</span>' if fields else "")


def custom_link(key: str, value: str) -> str:
    """A link to the executions that have noted the same, as HTML."""
    query = f"metadataKey={quote_plus(key)}&amp;metadataValue={quote_plus(value)}"
    return f' <a class="note" href="/console/executions?{query}">{escape(key)} {escape(shown(value))}</a>'


def duration_of(e: Execution) -> str:
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


def last_runs(runs: Sequence[LastRun], may_read: bool) -> Markup:
    """A coloured strip of a workflow's last runs, each of which leads to it for whoever may read it."""
    return Markup("".join(strip_piece(run, run is runs[0], may_read) for run in runs))


def strip_piece(run: LastRun, is_stop: bool, may_read: bool) -> str:
    """One run of the strip, as HTML; `is_stop`: the Tab key stops there."""
    what = f"#{run.id} {status_word(run.status)}"
    shown = f'class="s-{run.status}" title="{what} {ago(run.started_at or run.created_at)}"'
    if not may_read:
        return f'<li><span {shown}><span class="sr">{what}</span></span></li>'
    stop = "" if is_stop else ' tabindex="-1"'
    return f'<li><a{stop} href="/console/executions/{run.id}" {shown}><span class="sr">{what}</span></a></li>'


FILTERS: dict[str, Callable[..., Markup]] = {"execution_row": execution_row, "last_runs": last_runs}
