"""Calls from outside that start a workflow, or end the wait of an execution. They need no API key."""

import base64
import threading
import time
from contextlib import ExitStack
from typing import Any

import orjson
from flask import Blueprint, Response, request

from app.api.errors import Refused
from app.api.operations import public
from app.api.services import database, reading, services
from app.api.waiters import moments
from app.api.webhook_requests import item_of, let_in
from app.encryption import CannotDecrypt, cipher_for, credential_context
from app.repository import credentials, lifecycle, triggers
from app.repository.connection import Connection
from app.repository.errors import ExecutionNotFound
from app.repository.executions import ENDED
from app.repository.triggers import Webhook
from app.schemas.base import execution_id as parse_execution_id
from app.triggers.webhooks import METHODS, best_match, path_parameters

EVERY_METHOD = [*METHODS, "OPTIONS"]
STARTED = b'{"message":"Workflow was started"}'
FAILED: dict[str, Any] = {"status": 500, "body": {"message": "Error in workflow"}}
CREDENTIAL_TYPES = {"basicAuth": "httpBasicAuth", "headerAuth": "httpHeaderAuth"}

blueprint = Blueprint("webhooks", __name__)


@blueprint.route("/webhook/<path:path>", methods=EVERY_METHOD)
@public
def call_webhook(path: str) -> Response:
    """Start the workflow that this method and path belong to, and answer as its webhook says."""
    path = path.strip("/")
    with ExitStack() as waiting:
        with database() as connection:
            webhook, called = found(connection, path)
            settings = orjson.loads(webhook.settings)
            options = settings["options"]
            if request.method == "OPTIONS":
                return with_cors(Response(status=204), options, webhook.method)
            let_in(settings, credential_of(connection, webhook, settings))
            waits = settings["responseMode"] != "onReceived"
            execution_id = start(connection, webhook, called, options, awaited=waits)
            # Expected before the commit: a worker may be quicker than the next line.
            event = waiting.enter_context(services().waiters.expecting(execution_id)) if waits else None
        return with_cors(at_once(settings) if event is None else rendered(awaited(execution_id, event)), options)


def start(connection: Connection, webhook: Webhook, called: str, options: dict[str, Any], *, awaited: bool) -> int:
    """Queue an execution with what the call brought; returns its id."""
    url = f"{services().settings.webhook_url}/webhook/{webhook.path}"
    item = item_of(path_parameters(called, webhook.path), url, options)
    return lifecycle.create_execution(
        connection,
        workflow_id=webhook.workflow_id,
        version_id=webhook.version_id,
        project_id=webhook.project_id,
        mode="webhook",
        awaited=awaited,
        start_node=webhook.node,
        items=orjson.dumps([item]),
    )


def awaited(execution_id: int, event: threading.Event) -> dict[str, Any]:
    """What the workflow answers. Raises Refused when it takes longer than a caller is let wait."""
    for _ in moments(event, time.monotonic() + services().settings.webhook_seconds):
        if (answer := answered(execution_id)) is not None:
            return answer
    raise Refused(504, f"The workflow has not answered in time; it goes on as execution {execution_id}")


def found(connection: Connection, path: str) -> tuple[Webhook, str]:
    """The webhook that is called, and the path as its pattern sees it. Raises Refused with n8n's words."""
    candidates = triggers.find_webhooks(connection, path)
    wanted = request.headers.get("Access-Control-Request-Method", "") if request.method == "OPTIONS" else request.method
    plain = [webhook for webhook in candidates if webhook.webhook_id is None]
    rest = path.partition("/")[2]
    for called, group in ((path, plain), (rest, [w for w in candidates if w.webhook_id is not None])):
        if (best := best_match(called, group)) is None:
            continue
        same_path = [webhook for webhook in group if webhook.pattern == best.pattern]
        for webhook in same_path:
            if webhook.method in (wanted, "GET" if wanted == "HEAD" else wanted):
                return webhook, called
        if request.method == "OPTIONS":
            return best, called
        others = " or ".join(sorted(webhook.method for webhook in same_path))
        raise Refused(
            404,
            f"This webhook is not registered for {wanted} requests. Did you mean to make a {others} request?",
        )
    raise Refused(404, f'The requested webhook "{request.method} {path}" is not registered.')


def credential_of(connection: Connection, webhook: Webhook, settings: dict[str, Any]) -> dict[str, Any] | None:
    """What the credential holds that the webhook's authentication names, None where it names none."""
    kind = CREDENTIAL_TYPES.get(settings["authentication"])
    named = settings["credentials"].get(kind) if kind else None
    if kind is None or not isinstance(named, dict):
        return None
    data = credentials.data_in_project(connection, webhook.project_id, str(named.get("id")), kind)
    if data is None:
        return None
    try:
        return cipher_for(services().settings).decrypt(data, credential_context(str(named["id"]), kind))
    except CannotDecrypt as error:
        raise Refused(500, str(error)) from error


def at_once(settings: dict[str, Any]) -> Response:
    """The answer of a webhook that answers before its workflow has begun."""
    options, status = settings["options"], settings["responseCode"]
    if options.get("noResponseBody"):
        return Response(b"", status, content_type="application/json; charset=utf-8")
    if options.get("responseData"):
        return Response(str(options["responseData"]), status, content_type="text/html; charset=utf-8")
    return Response(STARTED, status, content_type="application/json; charset=utf-8")


def answered(execution_id: int) -> dict[str, Any] | None:
    """What the workflow has answered; a failure when it has ended without an answer; None while neither."""
    with reading() as connection:
        answer, status = triggers.read_answer_or_status(connection, execution_id)
    if answer is not None:
        decoded: dict[str, Any] = orjson.loads(answer)
        return decoded
    return FAILED if status is None or status in ENDED else None


def rendered(answer: dict[str, Any]) -> Response:
    """An answer as a worker wrote it down."""
    kind = "application/json; charset=utf-8"
    if "base64" in answer:
        body, kind = base64.b64decode(answer["base64"]), "application/octet-stream"
    elif "text" in answer:
        body = str(answer["text"]).encode()
    else:
        body = orjson.dumps(answer.get("body"))
    response = Response(body, int(answer.get("status") or 200), content_type=kind)
    for name, value in (answer.get("headers") or {}).items():
        response.headers[str(name)] = str(value).replace("\r", " ").replace("\n", " ")
    return response


def with_cors(response: Response, options: dict[str, Any], method: str | None = None) -> Response:
    """Let a page of another origin see the answer, as far as the node allows."""
    origin = request.headers.get("Origin")
    if origin is None:
        return response
    allowed = [part.strip() for part in str(options.get("allowedOrigins") or "*").split(",")]
    if "*" in allowed or origin in allowed:
        response.headers["Access-Control-Allow-Origin"] = "*" if "*" in allowed else origin
        response.headers["Vary"] = "Origin"
    if method is not None:
        response.headers["Access-Control-Allow-Methods"] = f"OPTIONS, {method}"
        response.headers["Access-Control-Allow-Headers"] = request.headers.get("Access-Control-Request-Headers", "*")
        response.headers["Access-Control-Max-Age"] = "300"
    return response


@blueprint.route("/webhook-waiting/<execution_id>", methods=METHODS)
@blueprint.route("/webhook-waiting/<execution_id>/<path:suffix>", methods=METHODS)
@public
def call_waiting(execution_id: str, suffix: str = "") -> Response:
    """End the wait of an execution; it goes on with what this call brought. The second of two calls gets 409."""
    number = parse_execution_id(execution_id)
    signature = request.args.get("signature", "")
    if number is None:
        raise ExecutionNotFound
    if not services().signer.is_signed(f"resume {number}", signature):
        raise Refused(401, "Invalid token: the address must be the execution's resumeUrl, signature included")
    url = f"{services().settings.webhook_url}/webhook-waiting/{number}"
    item = item_of({}, url, {})
    item["json"]["query"].pop("signature", None)
    with database() as connection:
        lifecycle.resume_by_webhook(connection, number, orjson.dumps([item]))
    return Response(STARTED, content_type="application/json; charset=utf-8")
