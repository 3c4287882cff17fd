"""What a memory of a package asks about its sessions, whose messages are kept outside of its process."""

from __future__ import annotations

from typing import Any

from app.engine.run.chat_memory import ChatMemory
from app.engine.run.errors import NodeError

Json = dict[str, Any]
MAX_SESSION_LENGTH = 10_000
MAX_MESSAGES = 1_000
"""Added at once, and kept of a session."""
MAX_BYTES = 2**20


async def ask_memory(memory: ChatMemory | None, given: Json) -> Json:
    """Do what is asked for (`open`, `read`, `add`, `clear`); {kept: false} where nobody keeps messages.

    Raises NodeError.
    """
    if memory is None:
        return {"result": {"kept": False}}
    session, messages, up_to = given.get("session"), given.get("messages") or [], given.get("upTo")
    if not isinstance(session, str) or len(session) > MAX_SESSION_LENGTH:
        raise NodeError(f"The key of a chat's session can have at most {MAX_SESSION_LENGTH:,} characters")
    match given.get("action"):
        case "read":
            return {"result": {"kept": True, "messages": await memory.read(session)}}
        case "add":
            _check(messages)
            await memory.add(session, messages)
        case "clear":
            await memory.clear(session, up_to if isinstance(up_to, int) else None)
    return {"result": {"kept": True}}


def _check(messages: Any) -> None:
    if not isinstance(messages, list) or len(messages) > MAX_MESSAGES:
        raise NodeError(f"A memory takes at most {MAX_MESSAGES:,} messages at once")
    for message in messages:
        if not isinstance(message, str) or len(message.encode("utf-8", "replace")) > MAX_BYTES:
            raise NodeError(f"A message that a memory keeps can have at most {MAX_BYTES // 2**20} MiB")
