"""The pages of Form Triggers: shown, sent, and what whoever has sent one sees next. They need no API key."""

import time
from contextlib import ExitStack

import orjson
from flask import Blueprint, Response, redirect, request

from app.api.face.answers import answer
from app.api.face.auth import public
from app.api.face.errors import Refused
from app.api.face.services import reading, services
from app.api.face.waiters import Expected
from app.api.face.waiting import answer_later, require_room
from app.api.forms.pages import form_page, message_page
from app.api.forms.submission import Submission, read_submission
from app.api.webhooks.access import let_in
from app.api.webhooks.answers import decode_answer, render_answer
from app.api.webhooks.response_headers import Unsendable, address
from app.api.webhooks.starting import start_called
from app.repository import triggers
from app.repository.connection import Connection
from app.repository.triggers import RegisteredWebhook
from app.signatures import form_url
from app.triggers.forms import METHOD, Form
from app.triggers.webhook_settings import WebhookSettings
from app.vocabulary import ENDED

SENT = "Form Submitted"
PROBLEM = "Problem submitting response"
NOT_THERE = "There is no form at this address: the workflow may not be active"

blueprint = Blueprint("forms", __name__)


@blueprint.route("/form/<path:path>", methods=["GET", "POST"])
@public
def form_of_path(path: str) -> Response:
    """Show a form, or start its workflow with what was sent."""
    return form_response(path)


@blueprint.route("/webhook/<path:path>/n8n-form", methods=["GET", "POST"])
@public
def form_of_webhook(path: str) -> Response:
    """The same at the address that version 1 of the node has."""
    return form_response(f"{path}/n8n-form")


def form_response(path: str) -> Response:
    """Show the form at this address, or start its workflow. Raises Refused."""
    with reading() as connection:
        webhook = find_form(connection, path.strip("/"))
        if webhook is None:
            if wants_page():
                return message_page("Problem loading form", NOT_THERE, status=404)
            raise Refused(404, NOT_THERE)
        stored = orjson.loads(webhook.settings)
        settings, form = WebhookSettings.from_json(stored), Form.from_json(stored["form"])
        let_in(connection, webhook.project_id, settings)
    if request.method != "POST":  # HEAD, as of link checkers, is a look as well
        return form_page(form, first_values(form))
    submission = read_submission(form)
    if submission.problems:
        return refusal(form, submission)
    return start(webhook, settings, form, submission)


def find_form(connection: Connection, path: str) -> RegisteredWebhook | None:
    """The form at a path."""
    return next((webhook for webhook in triggers.find_webhooks(connection, path) if webhook.method == METHOD), None)


def first_values(form: Form) -> dict[int, list[str]]:
    """What stands in the fields at first: what the query says of a field by its name, else its default."""
    values = {}
    for place, field in enumerate(form.fields):
        asked = request.args.getlist(field.name) if field.name else []
        default = [part.strip() for part in field.default.split(",")] if field.is_list else [field.default]
        values[place] = asked or [value for value in default if value]
    return values


def wants_page() -> bool:
    """Whether a person looks, and not a program."""
    return "text/html" in request.headers.get("Accept", "")


def refusal(form: Form, submission: Submission) -> Response:
    """The form once more, with what is wrong with it; for a program, the sentences by field."""
    if wants_page():
        return form_page(form, submission.given, submission.problems, status=400)
    errors = {form.fields[place].name or str(place): [said] for place, said in submission.problems.items()}
    name, said = next(iter(errors.items()))
    return answer({"message": f"{name}: {said[0]}", "errors": errors}, 400)


def start(webhook: RegisteredWebhook, settings: WebhookSettings, form: Form, submission: Submission) -> Response:
    """Start the workflow; what comes next is a page, an address, or what the workflow says."""
    waits = settings.answers_later and not form.goes_on
    if waits:
        require_room()
    items = orjson.dumps([submission.item(form, request.args)])
    execution_id, waiting, expected = start_called(webhook, items, waits=waits, awaited=waits or form.goes_on)
    if expected is not None:
        return wait_for_end(execution_id, form, waiting, expected)
    if form.goes_on:
        url = form_url(services().settings, services().signer, execution_id)
        return go_to(url) if wants_page() else answer({"formWaitingUrl": url})
    return submission_response(form)


def submission_response(form: Form) -> Response:
    """What is said of a form that was sent."""
    if form.redirect:
        url = form.redirect if "://" in form.redirect else f"http://{form.redirect}"
        if not url.startswith(("http://", "https://")):
            raise Refused(500, "The form leads to an address that is none of the web")
        return go_to(url) if wants_page() else answer({"redirectURL": url})
    if wants_page():
        return message_page(SENT, form.text, css=form.css)
    return answer({"formSubmittedText": form.text} if form.text != Form().text else {"status": 200})


def go_to(url: str) -> Response:
    """Send a browser to another page, so that loading it again sends nothing twice. Raises Refused."""
    try:
        made = redirect(address(url), 303, Response=Response)
    except Unsendable:
        raise Refused(500, f"The form leads to an invalid address: {url[:100]!r}") from None
    assert isinstance(made, Response)
    return made


def wait_for_end(execution_id: int, form: Form, waiting: ExitStack, expected: Expected) -> Response:
    """What the workflow answers, or that it has ended. Raises Refused when that takes too long."""

    def look(over: bool) -> Response | None:
        with reading() as connection:
            state = triggers.read_answer_state(connection, execution_id)
        if state.answer is not None:
            return render_answer(decode_answer(state.answer))
        if state.status == "success":
            return submission_response(form)
        if state.status is None or state.status in ENDED:
            return problem_page(form.css)
        if over:
            raise Refused(504, f"The workflow has not ended in time; it goes on as execution {execution_id}")
        return None

    return answer_later(waiting, expected, time.monotonic() + services().settings.webhook_seconds, look)


def problem_page(css: str = "") -> Response:
    """Something has gone wrong in the workflow."""
    if wants_page():
        return message_page(PROBLEM, "Please try again or contact support if the problem persists", css=css, status=500)
    return answer({"message": "Error in workflow"}, 500)
