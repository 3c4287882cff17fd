"""The HTTP requests that a node package asks for, sent by the worker's own client within its rules.

What the options mean is what they mean in a Code node; an answer that is no success comes back with all that n8n's
errors of services are made of.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.binary_files import encode_base64
from app.engine.nodes.code.calls import accepts, call_of, older_call_of, wants_bytes
from app.engine.nodes.http_request.answers import Reading, work_of
from app.engine.nodes.http_request.authentication import RequestProof
from app.engine.nodes.http_request.failures import RequestFailed, axios_error
from app.engine.nodes.http_request.requests import AT_ONCE, answered
from app.engine.nodes.shared.answer_bodies import body_of
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.values import conversions
from app.outgoing.calls import Answer

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]


class RequestError(Exception):
    """What a package is told instead of an answer: the fields of an error."""

    def __init__(self, error: Json) -> None:
        super().__init__(str(error.get("message")))
        self.error = error


class Requests:
    """The requests of one call, to these `domains` only (None: any)."""

    def __init__(self, context: NodeContext, domains: tuple[str, ...] | None = None) -> None:
        self._context = context
        self._proof = RequestProof(domains=domains)
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def send(self, options: Json, *, older: bool, auth: httpx.Auth | None = None) -> Json:
        """The reply for the process: {"result"} and, where the body is to come as bytes, {"bytes"} in base64.

        `auth` signs the request. Raises RequestError.
        """
        try:
            call = older_call_of(options) if older else call_of(options)
            self._proof.check(call.url, 0)
            if self._proof.domains is not None:
                secret = frozenset(name.lower() for name, _ in call.headers)
                call = replace(call, secret_headers=secret, secret_domains=self._proof.domains)
            signed = call if auth is None else replace(call, auth=auth)
            reading = Reading("file" if wants_bytes(options, older=older) else "json")
            async with self._gate, answered(self._context, signed, reading, 0) as answer:
                return await compute(_older_reply if older else _reply, options, answer, size=work_of(answer))
        except RequestFailed as error:
            shown = error.shown if isinstance(error.shown, dict) else {}
            raise RequestError(
                {"message": error.message, **{k: v for k, v in shown.items() if k != "stack"}}
            ) from error
        except NodeError as error:
            raise RequestError({"message": error.message}) from error
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            said = str(error) if type(error) is ValueError else "The options of the request could not be understood"
            raise RequestError(
                {"message": said, **({"code": "ERR_INVALID_URL"} if said == "Invalid URL" else {})}
            ) from error


def _reply(options: Json, answer: Answer) -> Json:
    raw = wants_bytes(options, older=False)
    if not accepts(options, answer.status):
        # One that was to come as bytes is told as text, of which the process makes bytes again.
        body = body_of(answer, parse=not raw)
        about = {"status": answer.status, "statusText": answer.reason, "headers": answer.headers, "data": body}
        message = f"Request failed with status code {answer.status}"
        raise RequestError({**axios_error(answer.status, message), "response": about})
    full = bool(options.get("returnFullResponse"))
    return _answer_json(answer, full, raw=raw, parse=options.get("encoding") != "text")


def _older_reply(options: Json, answer: Answer) -> Json:
    parse = bool(options.get("json"))
    if not 200 <= answer.status < 300 and options.get("simple") is not False:
        body = body_of(answer, parse=parse)
        about = {"status": answer.status, "statusText": answer.reason, "headers": answer.headers}
        message = f"{answer.status} - {conversions.to_json_text(body)}"
        more = {"statusCode": answer.status, "error": body, "response": {**about, "body": body}}
        raise RequestError({**axios_error(answer.status, message), **more})
    full = bool(options.get("resolveWithFullResponse"))
    return _answer_json(answer, full, raw=wants_bytes(options, older=True), parse=parse)


def _answer_json(answer: Answer, full: bool, *, raw: bool, parse: bool) -> Json:
    rest = {"headers": answer.headers, "statusCode": answer.status, "statusMessage": answer.reason}
    if raw:
        return {"result": rest, "bytes": encode_base64(answer.content)}
    body = body_of(answer, parse=parse)
    return {"result": {"body": body, **rest} if full else body}
