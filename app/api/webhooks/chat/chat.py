"""What a chat's address answers by itself, and what a message brings, as n8n's items."""

import base64
import hashlib
from html import escape
from pathlib import Path
from typing import Any, Literal

import msgspec
import orjson
from flask import Response, request

from app.api.face.errors import Refused
from app.api.face.html_pages import html_page
from app.api.face.services import reading
from app.api.webhooks.bodies.errors import UnreadableBody
from app.api.webhooks.bodies.forms import multipart_pairs, plain_text
from app.api.webhooks.requests import read_body, received_body, unreadable
from app.repository import chat_messages
from app.triggers.chats import Chat

SCRIPT = (Path(__file__).parent / "chat.js").read_text("utf-8")
SCRIPT_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; script-src 'sha256-{SCRIPT_HASH}'; connect-src 'self'; style-src 'unsafe-inline'; "
    "img-src data:; form-action 'self'; base-uri 'none'"
)
"""No script runs but this server's own, which shows everything as text."""
NOTHING_KEPT = b'{"data":[]}'
"""The messages of an earlier session where none is shown."""
JSON = "application/json; charset=utf-8"
CLASSES = {"human": "HumanMessage", "ai": "AIMessage", "system": "SystemMessage", "tool": "ToolMessage"}
MAX_SESSION_LENGTH = 1_000
FILE_PARTS = ("fileName", "fileSize", "fileType", "mimeType", "fileExtension")
STYLE = """
:root { --chat--color--primary: #2457c5; --chat--color--secondary: #2457c5; --chat--color-light: #f6f7f9;
  --chat--color-white: #fff; --chat--color-dark: #20242b; --chat--font-family: system-ui, sans-serif;
  --chat--border-radius: .6rem; --chat--header--background: var(--chat--color-dark);
  --chat--header--color: var(--chat--color-light); }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100dvh; display: flex; flex-direction: column; line-height: 1.5;
  background: var(--chat--color-light); color: var(--chat--color-dark); font-family: var(--chat--font-family); }
header { padding: 1rem; background: var(--chat--header--background); color: var(--chat--header--color); }
h1 { margin: 0; font-size: 1.4rem; } header p { margin: .2rem 0 0; }
#messages { flex: 1; list-style: none; margin: 0 auto; padding: 1rem; width: 100%; max-width: 50rem; }
#messages li { margin: 0 0 .8rem; padding: .6rem .9rem; width: fit-content; max-width: 85%; white-space: pre-wrap;
  overflow-wrap: anywhere; border-radius: var(--chat--border-radius); background: var(--chat--color-white); }
#messages .user { margin-left: auto; background: var(--chat--color--secondary); color: var(--chat--color-white); }
#messages .error { color: #b3151f; }
form { position: sticky; bottom: 0; display: flex; flex-wrap: wrap; gap: .5rem; padding: .8rem; width: 100%;
  max-width: 50rem; margin: 0 auto; background: var(--chat--color-light); }
textarea { flex: 1; min-width: 10rem; padding: .6rem; font: inherit; border: 1px solid #aab1bd; resize: none;
  border-radius: var(--chat--border-radius); }
button { padding: .6rem 1.2rem; font: inherit; font-weight: 600; border: 0; cursor: pointer; color: #fff;
  border-radius: var(--chat--border-radius); background: var(--chat--color--primary); }
button:disabled { opacity: .5; } input[type=file] { width: 100%; }
:focus-visible { outline: 3px solid var(--chat--color--primary); outline-offset: 1px; }
.apart { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""


class SessionWanted(msgspec.Struct):
    """What of a message is looked at here; the rest is passed by, and never built."""

    action: Literal["loadPreviousSession"]
    given: msgspec.Raw = msgspec.field(name="sessionId", default=msgspec.Raw(b"null"))

    @property
    def session(self) -> Any:
        """The session's id as any JSON value; None when it is longer than MAX_SESSION_LENGTH or no JSON."""
        data = bytes(self.given)
        try:
            return orjson.loads(data) if len(data) <= MAX_SESSION_LENGTH else None
        except ValueError:  # msgspec takes texts and numbers that this does not
            return None


_session_wanted = msgspec.json.Decoder(SessionWanted)


def wanted_session(data: bytes) -> SessionWanted | None:
    """What a message wants to know of an earlier session; None for another message."""
    try:
        return _session_wanted.decode(data) if b"loadPreviousSession" in data else None
    except (msgspec.MsgspecError, RecursionError):
        return None


def answer_chat(chat: Chat, workflow_id: str) -> Response | None:
    """The page, or the messages of an earlier session; None for a message, which is for the workflow.

    Raises Refused where there is no page.
    """
    if request.method == "GET":
        if not chat.hosted:
            raise Refused(404, "This chat has no page of its own: it is embedded elsewhere")
        return chat_page(chat)
    wanted = wanted_session(request.get_data()) if request.is_json else None
    return None if wanted is None else earlier_messages(chat, workflow_id, wanted.session)


def earlier_messages(chat: Chat, workflow_id: str, session: Any) -> Response:
    """What was said in a session, as the library writes it of which n8n's memories are."""
    key = chat.session or (f"{session}{chat.session_suffix}" if isinstance(session, str | int) and session else "")
    if not chat.loads or not key:
        return Response(NOTHING_KEPT, content_type=JSON)
    with reading() as connection:
        messages = [orjson.loads(text) for _, text in chat_messages.read(connection, workflow_id, key)]
    shown = [_construct(each) for each in messages if each.get("type") in CLASSES]
    visible = [each for each in shown if not (each["kwargs"].get("additional_kwargs") or {}).get("hideFromUI")]
    return Response(orjson.dumps({"data": visible}), content_type=JSON)


def _construct(message: dict[str, Any]) -> dict[str, Any]:
    name = ["langchain_core", "messages", CLASSES[message["type"]]]
    return {"lc": 1, "type": "constructor", "id": name, "kwargs": message.get("data") or {}}


def chat_item(chat: Chat) -> dict[str, Any]:
    """What a message brought, its files included. Raises Refused."""
    data = received_body()
    try:
        if request.mimetype == "multipart/form-data":
            fields, files = multipart_pairs(data, request.mimetype_params.get("boundary", ""), plain_text)
            return _with_files(chat, dict(fields), [file for _, file in files])
        body, _ = read_body(data, "")
    except UnreadableBody as problem:
        raise unreadable(problem) from None
    if request.is_json and data.lstrip()[:1] not in (b"{", b""):
        raise Refused(400, "A message must be a JSON object")
    return {"json": {} if body is None or isinstance(body, str) else body}


def _with_files(chat: Chat, fields: dict[str, Any], files: list[dict[str, Any]]) -> dict[str, Any]:
    if not files:
        return {"json": fields}
    kinds = [kind.strip() for kind in chat.file_kinds.split(",")]
    for file in files:
        kind = str(file["mimeType"])
        if chat.takes_files and not any(each in ("*", "*/*", kind, f"{kind.partition('/')[0]}/*") for each in kinds):
            raise Refused(400, f"Files of the type '{kind[:100]}' are not taken here")
    told = [
        {name: file[name] for name in FILE_PARTS if name in file} | {"binaryKey": f"data{number}"}
        for number, file in enumerate(files)
    ]
    return {"json": {**fields, "files": told}, "binary": {f"data{number}": file for number, file in enumerate(files)}}


def chat_page(chat: Chat) -> Response:
    """The page; all that its author has written is in it as text."""
    greeting = "".join(f'<li class="bot">{escape(line)}</li>' for line in chat.greeting.split("\n") if line.strip())
    kinds = "" if chat.file_kinds in ("", "*", "*/*") else f' accept="{escape(chat.file_kinds)}"'
    files = f'<input type="file" name="files" aria-label="Files" multiple{kinds}>' if chat.takes_files else ""
    body = (
        f"<header><h1>{escape(chat.title)}</h1><p>{escape(chat.subtitle)}</p></header>"
        f'<ul id="messages" class="chat-messages-list" aria-live="polite">{greeting}</ul>'
        f"<noscript><p>This chat needs JavaScript.</p></noscript><form{' data-loads' if chat.loads else ''}>{files}"
        '<label class="apart" for="chatInput">Your message</label>'
        f'<textarea id="chatInput" name="chatInput" rows="2" placeholder="{escape(chat.placeholder)}"></textarea>'
        f"<button>Send</button></form><script>{SCRIPT}</script>"
    )
    return html_page(chat.title, body, style=STYLE, policy=POLICY, css=chat.css)
