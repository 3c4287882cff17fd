"""How a webhook wants to be called and answered: read from a node, stored as JSON, read back from it.

Knows the parameters of n8n's Webhook and Wait nodes. Nobody else reads them by name, but for those of the address
(app/triggers/webhooks.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.http_rules import status_of
from app.triggers import InvalidTrigger, invalid_when_malformed

STREAMING = "streaming"
"""Answers as the workflow goes on. No output here has less than an item, so a Respond to Webhook node answers, or
else the last node."""
RESPONSE_NODES = "responseNodes"
"""Of a chat: answers with all that Chat nodes have said by the end of the workflow, or until one waits for a reply."""
RESPONSE_MODES = ("onReceived", "lastNode", "responseNode", STREAMING)
PARAMETERS = frozenset(
    {
        "authentication",
        "httpMethod",
        "incomingAuthentication",
        "multipleMethods",
        "options",
        "path",
        "responseBinaryPropertyName",
        "responseData",
        "responseMode",
    }
)
"""The parameters that say how a webhook is called and answered."""
CREDENTIAL_TYPES = {
    "basicAuth": "httpBasicAuth",
    "bearerAuth": "httpBearerAuth",
    "headerAuth": "httpHeaderAuth",
    "jwtAuth": "jwtAuth",
}


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """The options of a webhook; an empty text is one that is not set."""

    allowed_origins: str = "*"
    binary_data: bool = False
    binary_property: str = ""
    ignore_bots: bool = False
    ip_whitelist: str = ""
    no_response_body: bool = False
    raw_body: bool = False
    response_content_type: str = ""
    response_property: str = ""
    response_text: str = ""
    """What is answered at once."""
    suffix: str = ""
    """What stands behind the address of a wait."""

    @classmethod
    def from_json(cls, options: Mapping[str, Any]) -> "WebhookOptions":
        """The options as n8n names them; one that is missing has its default."""

        def text(name: str) -> str:
            return str(options.get(name) or "")

        return cls(
            allowed_origins=text("allowedOrigins") or "*",
            binary_data=bool(options.get("binaryData")),
            binary_property=text("binaryPropertyName"),
            ignore_bots=bool(options.get("ignoreBots")),
            ip_whitelist=text("ipWhitelist").strip(),
            no_response_body=bool(options.get("noResponseBody")),
            raw_body=bool(options.get("rawBody")),
            response_content_type=text("responseContentType"),
            response_property=text("responsePropertyName"),
            response_text=text("responseData"),
            suffix=text("webhookSuffix").strip("/"),
        )

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {
            "allowedOrigins": self.allowed_origins,
            "binaryData": self.binary_data,
            "binaryPropertyName": self.binary_property,
            "ignoreBots": self.ignore_bots,
            "ipWhitelist": self.ip_whitelist,
            "noResponseBody": self.no_response_body,
            "rawBody": self.raw_body,
            "responseContentType": self.response_content_type,
            "responsePropertyName": self.response_property,
            "responseData": self.response_text,
            "webhookSuffix": self.suffix,
        }


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """How a webhook wants to be called and answered.

    `credential_id` is the credential of type `credential_type` that its callers must know. `outputs` are the methods
    in the order of the node's outputs, empty for a node with one output. `waits` tells a Wait node. `problem` is
    what callers are told instead of an answer.
    """

    response_mode: str = "onReceived"
    response_data: str = "firstEntryJson"
    response_binary_property: str = "data"
    response_code: int = 200
    response_headers: Mapping[str, str] = field(default_factory=dict)
    authentication: str = "none"
    credential_id: str | None = None
    options: WebhookOptions = WebhookOptions()
    outputs: tuple[str, ...] = ()
    waits: bool = False
    type_version: float = 1
    problem: str | None = None

    @property
    def credential_type(self) -> str | None:
        """The type of credential that callers are checked with, None for a webhook that is open to all."""
        return CREDENTIAL_TYPES.get(self.authentication)

    @property
    def answers_later(self) -> bool:
        """Whether the caller waits for what the workflow says."""
        return self.response_mode != "onReceived"

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "WebhookSettings":
        """The settings as they were stored, by this release or an earlier one; a key that is missing has its default.

        An authentication that is not known stays as it is: whoever lets callers in refuses it.
        """
        default = cls()
        authentication = str(stored.get("authentication") or default.authentication)
        named = (stored.get("credentials") or {}).get(CREDENTIAL_TYPES.get(authentication, ""))
        return cls(
            response_mode=str(stored.get("responseMode") or default.response_mode),
            response_data=str(stored.get("responseData") or default.response_data),
            response_binary_property=str(stored.get("responseBinaryPropertyName") or default.response_binary_property),
            response_code=int(stored.get("responseCode") or default.response_code),
            response_headers=dict(stored.get("headers") or {}),
            authentication=authentication,
            credential_id=str(named["id"]) if isinstance(named, dict) and named.get("id") else None,
            options=WebhookOptions.from_json(stored.get("options") or {}),
            outputs=tuple(str(method).upper() for method in stored.get("outputs") or ()),
            waits=bool(stored.get("waits")),
            type_version=float(stored.get("typeVersion") or default.type_version),
            problem=stored.get("problem"),
        )

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads, in the keys of the first release: it may read this while it is being replaced."""
        kind = self.credential_type
        return {
            "responseMode": self.response_mode,
            "responseData": self.response_data,
            "responseBinaryPropertyName": self.response_binary_property,
            "responseCode": self.response_code,
            "headers": dict(self.response_headers),
            "authentication": self.authentication,
            "credentials": {kind: {"id": self.credential_id}} if kind and self.credential_id else {},
            "options": self.options.to_json(),
            "outputs": list(self.outputs),
            "waits": self.waits,
            "typeVersion": self.type_version,
            "problem": self.problem,
        }


def read_settings(node: dict[str, Any], *, problem: str | None = None) -> WebhookSettings:
    """How a Webhook or Wait node wants to be called and answered. Raises InvalidTrigger for what cannot be followed."""
    with invalid_when_malformed(node):
        return _read(node["name"], node, node.get("parameters") or {}, problem)


def response_mode(node: dict[str, Any]) -> Any:
    """The mode of answering that a Webhook or Wait node asks for, also where it is none that is known."""
    return (node.get("parameters") or {}).get("responseMode", "onReceived")


def wait_method(node: dict[str, Any]) -> str:
    """The method of the call that a Wait node waits for."""
    return str((node.get("parameters") or {}).get("httpMethod") or "GET")


def _read(name: str, node: dict[str, Any], parameters: dict[str, Any], problem: str | None) -> WebhookSettings:
    refuse_expressions(name, parameters)
    mode = response_mode(node)
    if mode not in RESPONSE_MODES:
        raise InvalidTrigger(f"Webhook node '{name}' has an unknown response mode '{mode}'")
    options = {name: _plain(value) for name, value in (parameters.get("options") or {}).items()}
    authentication = parameters.get("authentication") or parameters.get("incomingAuthentication") or "none"
    check_authentication(name, authentication, node.get("credentials") or {})
    asked = parameters.get("httpMethod")
    return WebhookSettings.from_json(
        {
            "responseMode": mode,
            "responseData": parameters.get("responseData"),
            "responseBinaryPropertyName": parameters.get("responseBinaryPropertyName"),
            "responseCode": response_code(parameters, options),
            "headers": response_headers(options),
            "authentication": authentication,
            "credentials": node.get("credentials"),
            "options": options,
            "outputs": asked if parameters.get("multipleMethods") and isinstance(asked, list) else [],
            "waits": str(node.get("type")).endswith(".wait"),
            "typeVersion": node.get("typeVersion"),
            "problem": problem,
        }
    )


def _plain(value: Any) -> Any:
    """A text without the "=" of an expression that has no program in it."""
    return value.removeprefix("=") if isinstance(value, str) else value


def check_authentication(name: str, authentication: Any, credentials: dict[str, Any]) -> None:
    """Raise InvalidTrigger for a way of proving a caller that is not known, or that lacks its credential."""
    if authentication == "none":
        return
    kind = CREDENTIAL_TYPES.get(authentication)
    if kind is None:
        raise InvalidTrigger(f"The authentication '{authentication}' of node '{name}' is not supported")
    if not isinstance(credentials.get(kind), dict):
        raise InvalidTrigger(f"Node '{name}' lacks the credential that its authentication needs: {kind}")


def response_code(parameters: dict[str, Any], options: dict[str, Any]) -> int:
    """The status that a node asks for; 200 for one that no answer can have."""
    code = parameters.get("responseCode")
    given = options.get("responseCode")
    if not code and isinstance(given, dict):  # version 2 keeps it there
        values = given.get("values") or {}
        code = values.get("customCode") or values.get("responseCode")
    return status_of(code or 200) or 200


def response_headers(options: dict[str, Any]) -> dict[str, str]:
    """The headers that a node's options ask for."""
    entries = (options.get("responseHeaders") or {}).get("entries") or []
    return {str(entry["name"]).lower(): str(entry.get("value", "")) for entry in entries if entry.get("name")}


def refuse_expressions(name: str, parameters: dict[str, Any]) -> None:
    """Raise InvalidTrigger for expressions where there is no execution yet that they could be evaluated in."""
    for key in PARAMETERS & parameters.keys():
        value = parameters[key]
        texts = [value] if key != "options" else orjson.dumps(value).decode().split('"')
        if any(isinstance(t, str) and t.startswith("=") and "{{" in t for t in texts):
            raise InvalidTrigger(f"'{key}' of webhook node '{name}' must be given without an expression")
