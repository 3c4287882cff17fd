"""Calls from outside that start a workflow, or end the wait of an execution. They need no API key."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import orjson
from flask import Blueprint, Response, redirect, request

from app.api.face.auth import public
from app.api.face.errors import Refused
from app.api.face.services import database, reading, services
from app.api.face.waiters import Expected
from app.api.face.waiting import answer_later, require_room
from app.api.webhooks.access import Caller, let_in
from app.api.webhooks.answers import FAILED, at_once, decode_answer, no_content, render_answer, with_cors
from app.api.webhooks.chat.chat import answer_chat, chat_item
from app.api.webhooks.chat.replies import reply_item
from app.api.webhooks.packaged import packaged_item
from app.api.webhooks.requests import item_of
from app.api.webhooks.starting import start_called
from app.repository import imported_waits, lifecycle, triggers
from app.repository.connection import Connection
from app.repository.errors import Conflict, ExecutionNotFound
from app.repository.lifecycle import AwaitsNoCall, WaitingNode
from app.repository.triggers import RegisteredWebhook
from app.schemas.base import parse_execution_id
from app.signatures import question_text
from app.triggers.chats import NODE as CHAT_NODE
from app.triggers.chats import Chat
from app.triggers.forms import asks_people, shows_page
from app.triggers.packaged import PackagedWebhook
from app.triggers.paths import path_as_shown
from app.triggers.webhook_settings import RESPONSE_NODES, WebhookSettings, read_settings, wait_method
from app.triggers.webhooks import METHODS, best_match, path_parameters
from app.vocabulary import ENDED

EVERY_METHOD = [*METHODS, "OPTIONS"]
HINT = "Only the webhooks of active workflows are registered: activate the workflow that has this one"
TEST_HINT = (
    "There is no editor that listens for one test call: activate the workflow and call /webhook/, or run it with "
    "POST /api/v1/workflows/{id}/run"
)
NO_SUCH_WAIT = 'The workflow for execution "{}" does not contain a waiting webhook with a matching path/method.'

blueprint = Blueprint("webhooks", __name__)


@blueprint.route("/webhook-test/<path:path>", methods=EVERY_METHOD)
@public
def call_test_webhook(path: str) -> Response:
    """n8n's editor waits here for one call; there is no editor."""
    message = f'The requested webhook "{path.strip("/")}" is not registered.'
    raise Refused(404, message, more={"code": 404, "hint": TEST_HINT})


@blueprint.route("/webhook/<path:path>", methods=EVERY_METHOD)
@public
def call_webhook(path: str) -> Response:
    """Start the workflow that this method and path belong to, and answer as its webhook says."""
    path = path.strip("/")
    if request.method == "OPTIONS" and "Origin" not in request.headers:
        return no_content()
    with reading() as connection:
        webhook, called, methods = find_webhook(connection, path)
        stored = orjson.loads(webhook.settings)
        settings = WebhookSettings.from_json(stored)
        chat = Chat.from_json(stored["chat"]) if "chat" in stored else None
        packaged = PackagedWebhook.from_json(stored["package"]) if "package" in stored else None
        if request.method == "OPTIONS":
            return with_cors(no_content(), settings.options.allowed_origins, methods)
        by = let_in(connection, webhook.project_id, settings)
    if chat is not None and (shown := answer_chat(chat, webhook.workflow_id)) is not None:
        return with_cors(shown, settings.options.allowed_origins, methods)
    if settings.problem:
        raise Refused(500, settings.problem, more={"code": 0})
    waits = settings.answers_later
    if waits:
        require_room()
    # Read without a connection: it may be large, and others wait for one.
    if chat is not None:
        items, sealed = orjson.dumps([chat_item(chat)]), None  # a message does not hold what has proved its sender
    elif packaged is not None:
        items, sealed = orjson.dumps([packaged_item(packaged)]), None
    else:
        items, sealed = items_of(webhook, called, settings, by), services().vault.seal(by.proof)
    execution_id, waiting, expected = start_called(webhook, items, waits=waits, awaited=waits, sealed=sealed)

    def finish(response: Response) -> Response:
        return with_cors(response, settings.options.allowed_origins, methods)

    if expected is None:
        return finish(at_once(settings))
    return wait_for_answer(execution_id, waiting, expected, finish)


def items_of(webhook: RegisteredWebhook, called: str, settings: WebhookSettings, by: Caller) -> bytes:
    """What the call brought as n8n's items (JSON), a token's payload included. Raises Refused."""
    address = webhook.path if webhook.webhook_id is None else f"{webhook.webhook_id}/{webhook.path}"
    url = f"{services().settings.webhook_url}/webhook/{path_as_shown(address)}"
    item = item_of(path_parameters(called, webhook.path), url, settings.options, settings.type_version)
    if settings.outputs:
        item["output"] = settings.outputs.index(webhook.method)
    return with_caller(item, by)


def with_caller(item: dict[str, Any], by: Caller) -> bytes:
    """A call's items (JSON), in which stands who calls, without what has proved it: that is sealed for the run."""
    by.proof.hide(item)
    if by.payload is not None:
        item["json"]["jwtPayload"] = by.payload
    try:
        return orjson.dumps([item])
    except TypeError as error:  # a token's payload may hold what Python's own JSON takes, and orjson does not
        raise Refused(422, "Failed to parse request body", more={"code": 422, "hint": str(error)}) from None


def wait_for_answer(
    execution_id: int,
    waiting: ExitStack,
    expected: Expected,
    finish: Callable[[Response], Response],
    late: Callable[[str], Response] | None = None,
) -> Response:
    """What the workflow answers; where it takes longer than a caller is let wait, what `late` makes of the reason.

    Raises Refused for that, without it.
    """

    def look(over: bool) -> Response | None:
        answer = read_answer(execution_id)
        if answer is None and over:
            reason = f"The workflow has not answered in time; it goes on as execution {execution_id}"
            if late is None:
                raise Refused(504, reason)
            return late(reason)
        return None if answer is None else finish(render_answer(answer))

    return answer_later(waiting, expected, time.monotonic() + services().settings.webhook_seconds, look)


def find_webhook(connection: Connection, path: str) -> tuple[RegisteredWebhook, str, list[str]]:
    """The webhook that is called, the path as its pattern sees it, and all methods there. Raises Refused."""
    candidates = [webhook for webhook in triggers.find_webhooks(connection, path) if webhook.method in METHODS]
    wanted = request.headers.get("Access-Control-Request-Method", "") if request.method == "OPTIONS" else request.method
    groups = [(path, [webhook for webhook in candidates if webhook.webhook_id is None])]
    if "/" in path:
        groups.append((path.partition("/")[2], [w for w in candidates if w.webhook_id is not None]))
    for called, group in groups:
        if (best := best_match(called, [webhook for webhook in group if webhook.method == wanted])) is not None:
            return best, called, methods_at(best, group)
    for called, group in groups:
        if (best := best_match(called, group)) is not None:
            question = f"Did you mean to make a {' or '.join(methods_at(best, group))} request?"
            raise Refused(404, f"This webhook is not registered for {wanted} requests. {question}", more={"code": 404})
    message = f'The requested webhook "{request.method} {path}" is not registered.'
    raise Refused(404, message, more={"code": 404, "hint": HINT})


def methods_at(webhook: RegisteredWebhook, others: list[RegisteredWebhook]) -> list[str]:
    """The methods that a webhook's path has."""
    return sorted(other.method for other in others if other.pattern == webhook.pattern)


def read_answer(execution_id: int) -> dict[str, Any] | None:
    """What the workflow has answered; a failure when it has ended without an answer; None while neither."""
    with reading() as connection:
        state = triggers.read_answer_state(connection, execution_id)
    if state.answer is not None:
        return decode_answer(state.answer)
    return FAILED if state.status is None or state.status in ENDED else None


def is_resume_link(execution_id: int, signature: str) -> bool:
    """Whether the signature is ours for this execution, or the one that it came with from elsewhere."""
    if services().signer.is_signed(f"resume {execution_id}", signature):
        return True
    with reading() as connection:
        return imported_waits.is_resume_token(connection, execution_id, signature)


def is_question_link(execution_id: int, node: str, signature: str) -> bool:
    """Whether the call is by a link of a question of this node: of its own, or one that came from elsewhere."""
    text = question_text(execution_id, node, request.args.get("run", ""))
    if services().signer.is_signed(text, signature):
        return True
    with reading() as connection:
        answer = request.args.get("approved", "")
        return imported_waits.is_answer_signature(connection, execution_id, answer, signature)


@blueprint.route("/webhook-waiting/<execution_id>", methods=EVERY_METHOD)
@blueprint.route("/webhook-waiting/<execution_id>/<path:suffix>", methods=EVERY_METHOD)
@public
def call_waiting(execution_id: str, suffix: str = "") -> Response:
    """End the wait of an execution; it goes on with what this call brought. The second of two calls gets 409."""
    number = parse_execution_id(execution_id)
    if number is None:
        raise ExecutionNotFound(f'The execution "{execution_id}" does not exist.')
    # Who writes a suffix behind resumeUrl, as workflows do, writes it behind the signature.
    signature, _, behind = request.args.get("signature", "").partition("/")
    suffix = suffix or behind
    signed = is_resume_link(number, signature)
    if not signed and is_question_link(number, suffix, signature):
        return to_question(number, suffix)
    if request.method == "OPTIONS":
        return with_cors(no_content(), "*", awaited_methods(number) if signed else ["GET", "POST"])
    if not signed:
        raise Refused(401, "Invalid token: the address must be the execution's resumeUrl, signature included")
    try:
        with reading() as connection:
            if asks_people(orjson.loads(lifecycle.waiting_node(connection, number).node)):
                return to_question(number, suffix)
            waiting_node, settings, by = waiting_settings(connection, number, suffix)
    except AwaitsNoCall as error:
        raise Refused(404, NO_SUCH_WAIT.format(number), more={"code": 404}) from error
    return resume(number, waiting_node, settings, by)


def resume(number: int, waiting_node: WaitingNode, settings: WebhookSettings, by: Caller) -> Response:
    """Let the execution go on with what this call brought, and answer as its node says. Raises Refused, Conflict."""
    node = orjson.loads(waiting_node.node)
    if node.get("type") == CHAT_NODE:
        items, sealed = orjson.dumps([reply_item(node)]), None
    else:
        item = item_of({}, f"{services().settings.webhook_url}/webhook-waiting/{number}", settings.options)
        items, sealed = with_caller(item, by), services().vault.seal(by.proof)
    waits = settings.answers_later
    if waits:
        require_room()
    with ExitStack() as waiting:
        with database() as connection:
            lifecycle.resume_by_webhook(connection, number, items, waiting_node, awaited=waits, sealed=sealed)
            expected = waiting.enter_context(services().waiters.expecting(number)) if waits else None

        def finish(response: Response) -> Response:
            return with_cors(response, "*", [request.method])

        if expected is None:
            return finish(at_once(settings))
        return wait_for_answer(number, waiting.pop_all(), expected, finish)


def to_question(number: int, suffix: str) -> Response:
    """Leads to the pages at which people answer."""
    asked = request.query_string.decode("ascii", "replace")
    place = f"{number}/{quote(suffix)}" if suffix else str(number)
    page = redirect(f"{services().settings.webhook_url}/form-waiting/{place}?{asked}", 307)
    assert isinstance(page, Response)
    return page


def awaited_methods(execution_id: int) -> list[str]:
    """The methods by which the execution can be called, as a browser asks before it does."""
    try:
        with reading() as connection:
            waiting = lifecycle.waiting_node(connection, execution_id)
    except (Conflict, ExecutionNotFound):
        return ["GET", "POST"]
    node = orjson.loads(waiting.node)
    return ["POST"] if node.get("type") == CHAT_NODE else [wait_method(node)]


def waiting_settings(
    connection: Connection, execution_id: int, suffix: str
) -> tuple[WaitingNode, WebhookSettings, Caller]:
    """The node that waits, how it wants to be called, and who calls. Raises Refused for whom it does not want."""
    waiting = lifecycle.waiting_node(connection, execution_id)
    node = orjson.loads(waiting.node)
    if shows_page(node):
        raise Refused(404, NO_SUCH_WAIT.format(execution_id), more={"code": 404})
    if node.get("type") == CHAT_NODE:
        settings, method = WebhookSettings(response_mode=RESPONSE_NODES), "POST"
    else:
        settings, method = read_settings(node), wait_method(node)
    if request.method != method or suffix.strip("/") not in (settings.options.suffix, str(node.get("id"))):
        raise Refused(404, NO_SUCH_WAIT.format(execution_id), more={"code": 404})
    return waiting, settings, let_in(connection, waiting.project_id, settings)
