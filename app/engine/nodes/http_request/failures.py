"""What is said when a request fails: n8n's sentence for every status and every way a connection can break.

Knows answers and exceptions of the outgoing client; sends nothing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.engine.nodes.shared.connection_errors import CONNECTION_ERRORS
from app.engine.run.errors import NodeError
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert
from app.outgoing.addresses import AddressRefused, UnknownHost
from app.outgoing.calls import Answer, RedirectFailed, RequestTimedOut, SecretRefused, TooManyRedirects
from app.outgoing.certificates import InvalidCertificate

if TYPE_CHECKING:
    import httpcore

SENTENCES = {
    400: "Bad request - please check your parameters",
    401: "Authorization failed - please check your credentials",
    402: "Payment required - perhaps check your payment details?",
    403: "Forbidden - perhaps check your credentials?",
    404: "The resource you are requesting could not be found",
    405: "Method not allowed - please check you are using the right HTTP method",
    429: "The service is receiving too many requests from you",
    500: "The service was not able to process your request",
    502: "Bad gateway - the service failed to handle your request",
    503: "Service unavailable - try again later or consider setting this node to retry automatically "
    "(in the node settings)",
    504: "Gateway timed out - perhaps try again later?",
}
TOO_MANY_REQUESTS = 429
SLOW_DOWN = "Try spacing your requests out using the batching settings under 'Options'"
MESSAGE_KEYS = (
    "cause",
    "error",
    "message",
    "Message",
    "msg",
    "messages",
    "description",
    "reason",
    "detail",
    "details",
    "errors",
    "errorMessage",
    "errorMessages",
    "ErrorMessage",
    "error_message",
    "_error_message",
    "errorDescription",
    "error_description",
    "error_summary",
    "error_info",
    "title",
    "text",
    "field",
    "err",
    "type",
)
"""Where services put what went wrong, the likeliest first."""


NO_JSON = object()
"""The body of an answer that cannot be read as JSON."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is kept of an answer that was no success."""

    status: int
    reason: str
    headers: dict[str, Any]
    text: str


class RequestFailed(NodeError):
    """A request came to nothing. `shown` is what an item carries as its error when the workflow goes on.

    `refusal` is None where no answer came.
    """

    def __init__(
        self,
        message: str,
        *,
        description: str | None,
        item: int,
        code: str,
        raw: str,
        shown: Any,
        refusal: Refusal | None = None,
    ) -> None:
        super().__init__(message, description=description, item_index=item, name="NodeApiError")
        self.shown = shown
        self.refusal = refusal
        self._told = {"httpCode": code, "messages": [raw]}

    def show_page(self) -> None:
        """Let the item carry the answer itself in place of a message, as n8n does where a page failed."""
        if self.refusal is None:
            return
        answer = {name: getattr(self.refusal, name) for name in ("headers", "status")}
        body = _json(self.refusal.text)
        self.shown = {
            "statusCode": self.refusal.status,
            "error": self.refusal.text if body is NO_JSON else conversions.to_json_text(body),
            "isAxiosError": True,
            "response": {**answer, "statusText": self.refusal.reason},
        }

    def details(self) -> dict[str, Any]:
        """What stands beside the error in an item since version 4.5 of the node."""
        text = None if self.refusal is None else self.refusal.text
        body = None if text is None else _json(text)
        described = {"description": self.description} if self.description else {}
        return {
            "message": self.message,
            **described,
            "httpCode": self._told["httpCode"],
            "body": text if body is NO_JSON else body,
            "context": {"itemIndex": self.item_index},
        }

    def document(self, node: dict[str, Any] | None) -> dict[str, Any]:
        """n8n's document of the error, with what the response said."""
        return {**super().document(node), **self._told}


def axios_code(status: int) -> str:
    """What axios, n8n's HTTP client, calls an answer of this status that is no success."""
    return "ERR_BAD_REQUEST" if 400 <= status < 500 else "ERR_BAD_RESPONSE"


def axios_error(status: int, message: str) -> dict[str, Any]:
    """The error that axios makes of such an answer, as programs see it."""
    return {"message": message, "name": "AxiosError", "code": axios_code(status), "status": status}


def of_answer(answer: Answer, item: int, *, parsed: bool, described: bool = True) -> RequestFailed:
    """For an answer that is no success; `parsed` writes its JSON as such, as the early versions of the node do.

    Those have no description either.
    """
    text = answer.text()
    body = _json(text)
    raw = f"{answer.status} - {conversions.to_json_text(text if body is NO_JSON or not parsed else body)}"
    message = SENTENCES.get(answer.status)
    if message is None and 400 <= answer.status < 500:
        message = "Your request is invalid or could not be processed by the service"
    elif message is None and answer.status >= 500:
        message = "The service failed to process your request"
    description = (_description(text if body is NO_JSON else body) or raw) if described else None
    shown = {
        "message": raw,
        "name": "AxiosError",
        "stack": f"AxiosError: Request failed with status code {answer.status}",
        "code": axios_code(answer.status),
        "status": answer.status,
    }
    if answer.status == TOO_MANY_REQUESTS and described:
        shown["message"] = SLOW_DOWN
    return RequestFailed(
        message or raw,
        description=None if description == (message or raw) else description,
        item=item,
        code=str(answer.status),
        raw=raw,
        shown=shown,
        refusal=Refusal(answer.status, answer.reason, answer.headers, text),
    )


def of_exception(error: Exception, url: str, item: int) -> NodeError:
    """For a request that got no answer."""
    from app.outgoing.proxies import InvalidProxy

    if isinstance(error, AddressRefused | InvalidCertificate | InvalidProxy | SecretRefused):
        return NodeError(str(error), item_index=item)
    code, raw, name = _code(error, url)
    shown = {"message": raw, "name": name, "stack": f"{name}: {raw}", "code": code}
    message = CONNECTION_ERRORS.get(code, raw)
    return RequestFailed(message, description=None, item=item, code=code, raw=raw, shown=shown)


def _code(error: Exception, url: str) -> tuple[str, str, str]:
    import httpcore
    import httpx

    if isinstance(error, UnknownHost):
        return "ENOTFOUND", str(error), "Error"
    if isinstance(error, RequestTimedOut | httpcore.TimeoutException):
        return "ECONNABORTED", str(error), "AxiosError"
    if isinstance(error, TooManyRedirects):
        return "ERR_FR_TOO_MANY_REDIRECTS", str(error), "Error [ERR_FR_TOO_MANY_REDIRECTS]"
    if isinstance(error, httpcore.ConnectError) and not _is_tls(error):
        address = httpx.URL(url)
        port = address.port or (443 if address.scheme == "https" else 80)
        return "ECONNREFUSED", f"connect ECONNREFUSED {address.host}:{port}", "Error"
    if isinstance(error, RedirectFailed):
        return "ERR_FR_REDIRECTION_FAILURE", str(error), "Error [ERR_FR_REDIRECTION_FAILURE]"
    if isinstance(error, httpcore.ReadError | httpcore.WriteError | httpcore.RemoteProtocolError):
        return "ECONNRESET", "socket hang up", "Error"
    return type(error).__name__, str(error) or type(error).__name__, "Error"


def _is_tls(error: "httpcore.ConnectError") -> bool:
    return "SSL" in str(error) or "certificate" in str(error).lower()


def _json(text: str) -> Any:
    try:
        return conversions.parse_json(text)
    except CannotConvert:
        return NO_JSON


def _description(body: Any) -> str | None:
    """What an error's JSON says in the first of the usual places that says something; of a list, what each says."""
    if isinstance(body, str):
        return body or None
    if conversions.is_number(body):
        return conversions.to_string(body)
    if isinstance(body, list):
        return " | ".join(said for entry in body if (said := _description(entry))) or None
    if isinstance(body, dict):
        return next((description for key in MESSAGE_KEYS if (description := _description(body.get(key)))), None)
    return None
