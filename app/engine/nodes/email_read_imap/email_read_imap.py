"""Email Trigger (IMAP): an execution for the mails that come in, recorded before they are marked as read."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from app.engine.nodes.email_read_imap.criteria import read_criteria
from app.engine.nodes.email_read_imap.mailbox import SECONDS, Mailbox, OwnThread
from app.engine.nodes.email_read_imap.messages import Unreadable, raw_item, resolved_item, simple_item
from app.engine.nodes.shared.connection_errors import connect
from app.engine.nodes.shared.issues import RequiredCredential, credentials
from app.engine.nodes.shared.trigger_items import pass_on
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.node_types import Emit
from app.engine.run.registry import node
from app.engine.values import conversions
from app.outgoing.certificates import tls_context

LAST, VALIDITY = "lastMessageUid", "uidValidity"
WITH_ATTRIBUTES, MAY_NOT_TRACK = 2, 2.1
"""From which version on items tell a mail's number, and that of the last one may be left alone."""
log = logging.getLogger(__name__)

IDLE_SECONDS, LOOK_SECONDS = 300.0, 30.0
"""After how long it looks by itself, where the server tells of new mails and where it does not."""
MAX_MAILS, MAX_BYTES = 100, 32 * 2**20
"""Of one execution; what comes at once beyond that is for the next."""
MAX_MAIL_BYTES = 25 * 2**20
NEEDED = credentials(RequiredCredential("imap"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the node's parameters ask for."""

    folder: str
    criteria: list[Any]
    format: str
    prefix: str | None
    marks: bool
    tracks: bool
    version: float
    reconnect_seconds: float | None


async def listen(context: NodeContext, emit: Emit) -> None:
    """Listen to the mailbox until cancelled, or until the connection breaks. Raises NodeError."""
    wanted = _read_wanted(context.version, await context.resolve_first(context.parameters))
    while True:
        await _listen(context, emit, wanted)


def _read_wanted(version: float, parameters: dict[str, Any]) -> Wanted:
    options = as_group(parameters.get("options"))
    form = str(parameters.get("format") or "simple")
    prefix = str(parameters.get("dataPropertyAttachmentsPrefixName") or "attachment_")
    minutes = conversions.to_number(options.get("forceReconnect") or 0)
    if form not in ("simple", "resolved", "raw"):
        raise NodeError(f"The Email Trigger does not know the format '{form}'")
    return Wanted(
        str(parameters.get("mailbox") or "INBOX"),
        read_criteria(options.get("customEmailConfig")),
        form,
        prefix if form == "resolved" or parameters.get("downloadAttachments") else None,
        str(parameters.get("postProcessAction") or "read") == "read",
        version < MAY_NOT_TRACK or options.get("trackLastMessageId", True) is not False,
        version,
        minutes * 60 if minutes >= 1 else None,
    )


async def _listen(context: NodeContext, emit: Emit, wanted: Wanted) -> None:
    credential = await context.credential("imap")
    mailbox = await _connect(context, credential, wanted)
    in_thread = OwnThread(mailbox)
    user, password = str(credential.get("user") or ""), str(credential.get("password") or "")
    try:
        await in_thread(lambda: mailbox.open(user, password, wanted.folder))
        until = None if wanted.reconnect_seconds is None else time.monotonic() + wanted.reconnect_seconds
        idles = await in_thread(lambda: mailbox.idles)
        while until is None or time.monotonic() < until:
            await _take(context, emit, wanted, mailbox, in_thread)
            if idles:
                await in_thread(lambda: mailbox.wait(IDLE_SECONDS))
            else:
                await asyncio.sleep(LOOK_SECONDS)
                await in_thread(mailbox.refresh)
    finally:
        in_thread.close()


async def _connect(context: NodeContext, credential: dict[str, Any], wanted: Wanted) -> Mailbox:
    host, port = str(credential.get("host") or ""), int(conversions.to_number(credential.get("port") or 993))
    made = await connect(context.outgoing.rules, host, port, seconds=SECONDS)
    secure = credential.get("secure", True)
    tls = tls_context(verify=not credential.get("allowUnauthorizedCerts")) if secure else None
    return Mailbox(made, host, tls)


async def _take(context: NodeContext, emit: Emit, wanted: Wanted, mailbox: Mailbox, in_thread: OwnThread) -> None:
    """Emit the mails that are new, some at a time, and mark each as read once it is recorded."""
    static_data = context.read_static_data()
    known = (
        static_data.get(LAST)
        if wanted.tracks and static_data.get(VALIDITY, mailbox.validity) == mailbox.validity
        else None
    )
    after = known if isinstance(known, int) else None
    numbers = await in_thread(lambda: mailbox.find(wanted.criteria, after))
    while numbers:
        batch, items = await in_thread(lambda: _read(wanted, mailbox, numbers))  # noqa: B023  (awaited at once)
        if wanted.tracks:
            context.save_static_data({**context.read_static_data(), LAST: batch[-1], VALIDITY: mailbox.validity})
        await emit([items] if items else [])
        if wanted.marks:
            await in_thread(lambda: mailbox.mark_seen(batch))  # noqa: B023
        numbers = numbers[len(batch) :]


def _read(wanted: Wanted, mailbox: Mailbox, numbers: list[int]) -> tuple[list[int], list[Item]]:
    """The first of the mails, as many as one execution gets, and their items."""
    batch, size = numbers[:MAX_MAILS], 0
    items: list[Item] = []
    sizes = mailbox.sizes(batch)
    for place, number in enumerate(batch):
        too_large = sizes[number] > MAX_MAIL_BYTES
        size += 0 if too_large else sizes[number]
        if place and size > MAX_BYTES:
            return batch[:place], items
        content = mailbox.read(number, head_only=too_large)
        if content is None:
            continue
        size += max(0, len(content) - sizes[number])  # by what it is, whatever was said before
        item = _item(wanted, content)
        if too_large:
            item["json"]["error"] = (
                f"The mail has {sizes[number]:,} bytes, more than {MAX_MAIL_BYTES:,}: it was not read"
            )
        if wanted.format != "raw" and wanted.version >= WITH_ATTRIBUTES:
            item["json"]["attributes"] = {"uid": number}
        items.append(item)
    return batch, items


def _item(wanted: Wanted, content: bytes) -> Item:
    if wanted.format == "raw":
        return raw_item(content)
    try:
        if wanted.format == "resolved":
            return resolved_item(content, prefix=wanted.prefix or "")
        return simple_item(content, prefix=wanted.prefix)
    except Unreadable as error:
        return {"json": {"error": f"The mail was not read: {error}"}}
    except Exception as error:  # whatever somebody has sent, the mails behind it are read
        log.exception("a mail could not be read")
        return {"json": {"error": f"The mail was not read: {type(error).__name__}"}}


@node("emailReadImap", [1, 2, 2.1, 2.2], trigger=True, credentials=NEEDED, listen=listen, exact=True)
async def email_read_imap(context: NodeContext) -> Outputs:
    return pass_on(context)
