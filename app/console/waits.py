"""What an execution waits for: a time, a call, an answer to a message; and who can give it."""

from datetime import datetime

import orjson

from app.console.texts import cut
from app.dates import WAIT_INDEFINITELY
from app.repository import lifecycle
from app.repository.connection import Connection
from app.repository.errors import Conflict, NotFound
from app.repository.executions import Execution
from app.triggers.forms import CHAT, asks_people, shows_page


def goes_on_at(execution: Execution) -> datetime | None:
    """When a waiting execution goes on by itself; None for one that does not."""
    until = execution.wait_till
    return None if execution.status != "waiting" or until is None or until >= WAIT_INDEFINITELY else until


def read_wait(connection: Connection, execution: Execution) -> str | None:
    """What has to come from outside, and by which way; None where nothing has to."""
    if execution.status != "waiting":
        return None
    try:
        node = orjson.loads(lifecycle.waiting_node(connection, execution.id).node)
    except (Conflict, NotFound):
        return None
    name = cut(str(node.get("name") or "a node"), 100)
    if asks_people(node):
        return f"an answer to what {name} has asked, by a link in its message"
    if node.get("type") == CHAT:
        return f"a reply in the chat to what {name} has said"
    if shows_page(node):
        return f"the form of {name}, at the address of the form that the workflow has shown or sent"
    return f"a call of the address that the workflow has given for {name}"
