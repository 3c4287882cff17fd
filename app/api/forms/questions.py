"""What people see who follow a link by which a workflow asks them something: a form, or that their answer is there."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, request

from app.api.face.auth import public
from app.api.face.errors import Refused
from app.api.face.services import database, reading
from app.api.forms.forms import first_values, refusal
from app.api.forms.pages import form_page, message_page
from app.api.forms.submission import now, read_submission
from app.api.webhooks.access import is_program
from app.api.webhooks.webhooks import is_question_link
from app.repository import lifecycle
from app.repository.errors import Conflict, ExecutionNotFound
from app.repository.lifecycle import WaitingNode
from app.schemas.base import parse_execution_id
from app.triggers import invalid_when_malformed
from app.triggers.forms import Form, FormField, asks_people, read_form

RUN = "run"
"""In a link: which run of its node asks, so that one question is not answered by the link of another."""
WITHOUT_ID = "node"
"""In a link, in place of the id of a node that has none."""
RESPONSE = FormField("Response", "Response", "textarea", required=True)

blueprint = Blueprint("questions", __name__)


@blueprint.route("/form-waiting/<execution_id>/<path:suffix>", methods=["GET", "POST"])
@public
def question(execution_id: str, suffix: str) -> Response:
    """What a link in a message leads to. Raises Refused without its signature."""
    number = parse_execution_id(execution_id)
    if number is None:
        raise ExecutionNotFound(f'The execution "{execution_id}" does not exist.')
    if not is_question_link(number, suffix, request.args.get("signature", "")):
        raise Refused(401, "Invalid token: the address must be that of the message, signature included")
    try:
        with reading() as connection:
            waiting = lifecycle.waiting_node(connection, number)
    except (Conflict, ExecutionNotFound):  # deleted, and the message is still there
        return settled_page()
    node = orjson.loads(waiting.node)
    if not asks_people(node) or suffix != str(node.get("id") or WITHOUT_ID):
        return settled_page()
    return answer_question(number, waiting, node)


def answer_question(number: int, waiting: WaitingNode, node: Mapping[str, Any]) -> Response:
    """Let the execution go on with the answer, once; or show the form in which it is given. Raises Refused."""
    parameters = node.get("parameters") or {}
    if RUN in parameters and request.args.get(RUN) != str(parameters[RUN]):
        return settled_page()
    approved = request.args.get("approved") == "true"
    kind = parameters.get("responseType") or "approval"
    if kind == "approval":
        # Whoever looks at what a message links to answers nothing.
        if request.method == "HEAD" or is_program():
            return Response("", content_type="text/plain")
        return _go_on(number, waiting, {"json": {"data": {"approved": approved, **_when()}}})
    form = _form(node, parameters, kind)
    if request.method != "POST":
        return form_page(form, first_values(form))
    submission = read_submission(form)
    if submission.problems:
        return refusal(form, submission)
    given = submission.values if kind != "freeText" else {"text": submission.values[RESPONSE.name]}
    files = {"binary": submission.binary} if submission.binary else {}
    return _go_on(number, waiting, {"json": {"data": {**given, **_when()}}, **files})


def settled_page() -> Response:
    """What is said to whoever comes too late."""
    return message_page("No action required", "This has been answered already, or nobody waits for it any more.")


def _when() -> dict[str, str]:
    return {"respondedAt": now(None)}


def _go_on(number: int, waiting: WaitingNode, item: dict[str, Any]) -> Response:
    try:
        with database() as connection:
            lifecycle.resume_by_webhook(connection, number, orjson.dumps([item]), waiting)
    except (Conflict, ExecutionNotFound):
        return settled_page()
    return message_page("Got it, thanks", "Your answer is recorded. This page can be closed now.")


def _form(node: Mapping[str, Any], parameters: Mapping[str, Any], kind: str) -> Form:
    """The page in which the answer is given. Raises InvalidTrigger for what expressions have made of it."""
    options = parameters.get("options") or {}
    named = {
        "formTitle": options.get("responseFormTitle"),
        "formDescription": options.get("responseFormDescription"),
        "buttonLabel": options.get("responseFormButtonLabel"),
        "customCss": options.get("responseFormCustomCss"),
    }
    with invalid_when_malformed(dict(node)):
        fields = {name: parameters[name] for name in ("defineForm", "formFields", "jsonOutput") if name in parameters}
        form = read_form({**fields, "options": named}, float(node.get("typeVersion") or 1))
    if kind == "freeText":
        return Form(form.title, form.description, form.button, form.css, (RESPONSE,))
    return form
