"""What is replied in a chat to a workflow that waits there, as the item with which n8n's Chat node goes on."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.api.face.errors import Refused
from app.api.webhooks.chat.chat import chat_item
from app.triggers.chats import Chat

WRITTEN = ("sessionId", "action", "chatInput")
ONLY_WITHIN = 1.1
"""The last version that has what was written below `data`."""


def reply_item(node: Mapping[str, Any]) -> dict[str, Any]:
    """The item of the call, which brings a text and files, or `approved`. Raises Refused for what is not asked for."""
    parameters, version = node.get("parameters") or {}, float(node.get("typeVersion") or 1)
    came = chat_item(Chat(takes_files=True))
    said = orjson.loads(orjson.dumps(came["json"]))
    if isinstance(approved := said.get("approved"), bool):
        if not any(button["approved"] == approved for button in parameters.get("buttons") or ()):
            raise Refused(400, "The workflow does not ask for this answer")
        return {"json": {"data": {"approved": approved}}}
    if parameters.get("blockUserInput"):
        raise Refused(400, "The workflow waits for one of its buttons")
    written = {name: said[name] for name in WRITTEN if name in said}
    refused = {"approved": False} if parameters.get("buttons") else {}
    files = {f"data_{number}": file for number, file in enumerate((came.get("binary") or {}).values())}
    more = {"binary": files} if files else {}
    if version < ONLY_WITHIN:
        return {"json": written, **more}
    if version == ONLY_WITHIN:
        return {"json": {"data": {**written, **refused}}, **more}
    return {"json": {**written, **({"data": refused} if refused else {})}, **more}
