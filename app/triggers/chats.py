"""Chat Triggers: the addresses that they ask for, how their page looks, and how a message is answered."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.triggers import InvalidTrigger, invalid_when_malformed
from app.triggers.webhook_settings import RESPONSE_NODES, STREAMING, WebhookSettings, check_authentication

TYPE = "@n8n/n8n-nodes-langchain.chatTrigger"
MEMORY = "@n8n/n8n-nodes-langchain.memoryBufferWindow"
OF_CALLER = "={{$json.sessionId}}"
NODE = "@n8n/n8n-nodes-langchain.chat"
"""What says something in a chat, and may wait for a reply."""
MODES = ("lastNode", "responseNode", RESPONSE_NODES, STREAMING)
METHODS = ("GET", "POST")
NOT_AN_ADDRESS = re.compile(r"[^\w.~-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Chat:
    """How a chat is shown: `hosted` on a page of this server's own, else by somebody else's."""

    hosted: bool = True
    title: str = "Hi there! 👋"
    subtitle: str = "Start a chat. We're here to help you 24/7."
    greeting: str = "Hi there! 👋\nHow can I assist you today?"
    placeholder: str = "Type your question.."
    css: str = ""
    takes_files: bool = False
    file_kinds: str = "*"
    loads: bool = False
    """Whether a page that is opened again shows what was said before: in the session of a Simple Memory."""
    session: str = ""
    """The key of that session; empty: what the caller names, with the suffix."""
    session_suffix: str = ""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Chat":
        """The chat as it was stored; a key that is missing has its default."""
        return cls(**{name: value for name, value in stored.items() if name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class ChatAddress:
    """A method and path of a chat, with how it is shown and answered."""

    node: str
    method: str
    path: str
    settings: dict[str, Any]


def chat_nodes(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The Chat Triggers that are switched on."""
    return [node for node in document.get("nodes") or [] if node.get("type") == TYPE and not node.get("disabled")]


def chats_of(document: Mapping[str, Any]) -> list[ChatAddress]:
    """The addresses of a workflow's chats; none for those that are not public. Raises InvalidTrigger."""
    chats = []
    for node in chat_nodes(document):
        with invalid_when_malformed(node):
            if not (node.get("parameters") or {}).get("public"):
                continue
            webhook_id = str(node.get("webhookId") or "")
            if not webhook_id or NOT_AN_ADDRESS.search(webhook_id):
                raise InvalidTrigger(
                    f"Chat '{node['name']}' has no webhookId, or one that cannot be part of an address"
                )
            settings = {**chat_settings(node).to_json(), "chat": asdict(_chat(document, node))}
        chats += [ChatAddress(node["name"], method, f"{webhook_id}/chat", settings) for method in METHODS]
    return chats


def chat_settings(node: dict[str, Any]) -> WebhookSettings:
    """How a Chat Trigger lets callers in and answers them. Raises InvalidTrigger."""
    name, parameters = node["name"], node.get("parameters") or {}
    options = parameters.get("options") or {}
    mode = chat_response_mode(node)
    if mode not in MODES:
        raise InvalidTrigger(f"The response mode '{mode}' of chat '{name}' is not supported")
    authentication = parameters.get("authentication") or "none"
    if authentication not in ("none", "basicAuth"):
        raise InvalidTrigger(f"The authentication '{authentication}' of node '{name}' is not supported")
    check_authentication(name, authentication, node.get("credentials") or {})
    return WebhookSettings.from_json(
        {
            "responseMode": mode,
            "authentication": authentication,
            "credentials": node.get("credentials"),
            "options": {"allowedOrigins": options.get("allowedOrigins")},
            "typeVersion": 2,
        }
    )


def chat_response_mode(node: dict[str, Any]) -> Any:
    """The mode of answering that a Chat Trigger asks for, also where it is none that is known."""
    parameters = node.get("parameters") or {}
    mode = (parameters.get("options") or {}).get("responseMode")
    return mode or (STREAMING if parameters.get("availableInChat") else "lastNode")


def _chat(document: Mapping[str, Any], node: Mapping[str, Any]) -> Chat:
    parameters = node.get("parameters") or {}
    options, default = parameters.get("options") or {}, Chat()
    memory = _memory_of(document, node["name"]) if options.get("loadPreviousSession") == "memory" else None

    def text(value: Any, otherwise: str) -> str:
        return str(value) if isinstance(value, str) and value else otherwise

    return Chat(
        hosted=(parameters.get("mode") or "hostedChat") == "hostedChat",
        title=text(options.get("title"), default.title),
        subtitle=text(options.get("subtitle"), default.subtitle),
        greeting=text(parameters.get("initialMessages"), default.greeting),
        placeholder=text(options.get("inputPlaceholder"), default.placeholder),
        css=text(options.get("customCss"), ""),
        takes_files=bool(options.get("allowFileUploads")),
        file_kinds=text(options.get("allowedFilesMimeTypes"), "*"),
        **({} if memory is None else _session(memory)),
    )


def _memory_of(document: Mapping[str, Any], chat: str) -> dict[str, Any] | None:
    """The Simple Memory that hangs on a chat."""
    lines = document.get("connections") or {}
    for node in document.get("nodes") or []:
        outputs = (lines.get(node.get("name")) or {}).get("ai_memory") or []
        serves = any(target.get("node") == chat for output in outputs for target in output or [])
        if serves and node.get("type") == MEMORY and not node.get("disabled"):
            return dict(node)
    return None


def _session(memory: Mapping[str, Any]) -> dict[str, Any]:
    """Which session a memory has, by the parameters of its node's version; none by an expression of another kind."""
    parameters, version = memory.get("parameters") or {}, float(memory.get("typeVersion") or 1)
    if version >= 1.2 and parameters.get("sessionIdType", "fromInput") == "fromInput":
        return {"loads": True, "session_suffix": f" of {memory['name']}" if version >= 1.4 else ""}
    key = str(parameters.get("sessionKey") or ("chat_history" if version < 1.1 else OF_CALLER))
    if key.replace(" ", "") == OF_CALLER:
        return {"loads": True}
    return {} if key.startswith("=") else {"loads": True, "session": key}
