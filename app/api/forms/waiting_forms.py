"""The pages that an execution shows in its course: those that it waits at, and the one that it ends with."""

from typing import Any
from urllib.parse import quote

import orjson
from flask import Blueprint, Response, request

from app.api.face.auth import public
from app.api.face.errors import Refused
from app.api.face.services import database, reading, services
from app.api.forms.forms import SENT, first_values, go_to, problem_page, refusal, wants_page
from app.api.forms.pages import form_page, message_page, waiting_page, workflows_page
from app.api.forms.submission import read_submission
from app.api.webhooks.access import let_in
from app.api.webhooks.answers import decode_answer
from app.api.webhooks.webhooks import is_resume_link
from app.binary_files import file_bytes
from app.http_rules import attachment
from app.repository import lifecycle, triggers
from app.repository.connection import Connection
from app.repository.errors import Conflict, ExecutionNotFound
from app.repository.lifecycle import WaitingNode
from app.schemas.base import parse_execution_id
from app.signatures import form_url
from app.triggers import invalid_when_malformed
from app.triggers.forms import WAIT, Form, read_form, shows_page
from app.triggers.webhook_settings import read_settings
from app.vocabulary import ENDED

blueprint = Blueprint("waiting-forms", __name__)


@blueprint.route("/form-waiting/<execution_id>", methods=["GET", "POST"])
@public
def waiting_form(execution_id: str) -> Response:
    """Show where an execution stands, or let it go on with what was sent. Raises Refused without its signature."""
    number = parse_execution_id(execution_id)
    if number is None:
        raise ExecutionNotFound(f'The execution "{execution_id}" does not exist.')
    if not is_resume_link(number, request.args.get("signature", "")):
        raise Refused(401, "Invalid token: the address must be the execution's resumeFormUrl, signature included")
    if request.method == "POST":
        return send(number)
    with reading() as connection:
        state = triggers.read_answer_state(connection, number)
        awaited = awaited_form(connection, number) if state.status == "waiting" else None
    if awaited is not None:
        form, _ = awaited
        return form_page(form, first_values(form))
    if state.status is None and state.answer is None:
        raise ExecutionNotFound(f'The execution "{execution_id}" does not exist.')
    if state.answer is not None:
        said = decode_answer(state.answer)
        if isinstance(said.get("form"), dict):
            return last_page(said["form"])
    if state.status == "success":
        return message_page(SENT, Form().text)
    return problem_page() if state.status is None or state.status in ENDED else waiting_page()


def send(number: int) -> Response:
    """Let the execution go on with the form, unless it does already: then its page is shown as it is now."""
    address = form_url(services().settings, services().signer, number)
    with reading() as connection:
        awaited = awaited_form(connection, number)
    if awaited is None:
        return go_to(address)
    form, waiting = awaited
    submission = read_submission(form)
    if submission.problems:
        return refusal(form, submission)
    items = orjson.dumps([submission.item(form, {})])
    try:
        with database() as connection:
            lifecycle.resume_by_webhook(connection, number, items, waiting, awaited=True)
    except Conflict:
        return go_to(address)
    if wants_page():
        return go_to(address)
    return Response(orjson.dumps({"formWaitingUrl": address}), content_type="application/json; charset=utf-8")


def awaited_form(connection: Connection, number: int) -> tuple[Form, WaitingNode] | None:
    """The page that an execution waits at, and that wait; None where it waits for something else or does not wait.

    Raises Refused for whom it does not let in, InvalidTrigger for what expressions have made of the page.
    """
    try:
        waiting = lifecycle.waiting_node(connection, number)
    except (Conflict, ExecutionNotFound):
        return None
    node = orjson.loads(waiting.node)
    if not shows_page(node):
        return None
    if node["type"] == WAIT:  # which may ask for a name and a password of its own
        let_in(connection, waiting.project_id, read_settings(node))
    with invalid_when_malformed(node):
        parameters = node.get("parameters") or {}
        form = read_form(parameters, float(node.get("typeVersion") or 1), timezone=parameters.get("timezone"))
    return form, waiting


def last_page(said: dict[str, Any]) -> Response:
    """The page with which the workflow ends, as its Form node has said it."""
    css, title, text = (str(said.get(name) or "") for name in ("css", "title", "message"))
    if url := str(said.get("redirect") or ""):
        if not url.startswith(("http://", "https://")):
            url = f"http://{url.rpartition('://')[2]}"
        return go_to(url)
    if "html" in said:
        return workflows_page(str(said["html"]))
    if file := said.get("file"):
        if "download" in request.args:
            return download(file)
        text = f"{text}\n\n[file]" if text else "[file]"
        page = message_page(title, text.removesuffix("[file]").strip(), css=css)
        signature = quote(request.args.get("signature", ""))  # any at all where another program signed no addresses
        link = f'<p><a href="?signature={signature}&amp;download=1">Download the file</a></p>'
        page.set_data(page.get_data(as_text=True).replace("</div></main>", f"{link}</div></main>"))
        return page
    return message_page(title, text, css=css)


def download(file: dict[str, Any]) -> Response:
    """A file that the workflow ends with; never shown as a page of this server."""
    response = Response(file_bytes(file), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = attachment(file.get("fileName") or "file")
    return response
