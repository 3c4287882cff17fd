"""Send Email, versions 1 and 2: one mail an item, through the SMTP server of a credential.

Unlike n8n's it adds no line about what sent it.
"""

from collections.abc import Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from html import escape
from typing import Any

import aiosmtplib

from app.binary_files import file_bytes
from app.engine.nodes.send_email import smtp
from app.engine.nodes.shared import binary
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import Required, RequiredCredential, credentials, rules
from app.engine.nodes.shared.mailboxes import mailboxes
from app.engine.nodes.shared.questions import SEND_AND_WAIT, approval_parameters, buttons, question
from app.engine.nodes.shared.waiting import answer_limit
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, WaitRequested
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions

BOTH = {"operation": ["send", "sendAndWait"]}
ISSUES = rules(
    Required("fromEmail", "From Email", when=BOTH),
    Required("toEmail", "To Email", when=BOTH),
    Required("subject", "Subject", when={"operation": ["sendAndWait"]}, since=2),
    Required("message", "Message", when={"operation": ["sendAndWait"]}, since=2),
    defaults={"operation": "send"},
)
NEEDED = credentials(RequiredCredential("smtp"))


@node(
    "emailSend",
    [1, 2, 2.1],
    issues=ISSUES,
    credentials=NEEDED,
    plain=["operation"],
    exact=True,
    approval=approval_parameters(),
)
async def send_email(context: NodeContext) -> Outputs:
    operation = context.parameters.get("operation", "send")
    if operation == SEND_AND_WAIT and context.version >= 2:
        return await _ask(context)
    if operation != "send":
        raise NodeError(f"Send Email has no operation '{operation}'")
    if not context.items:
        return [[]]
    credential = await context.credential("smtp")
    resolved = await context.resolve_each(context.parameters)
    options = as_group(await context.resolve_first(context.parameters.get("options")))
    verify = not options.get("allowUnauthorizedCerts")
    output: list[Item] = []
    async with smtp.server(credential, context.outgoing.rules, verify=verify) as connection:
        for index, (item, parameters) in enumerate(zip(context.items, resolved, strict=True)):
            try:
                if isinstance(parameters, NodeError):
                    raise parameters
                json = await _send(context, connection, item, parameters, index, credential)
                output.append({"json": json, "pairedItem": {"item": index}})
            except NodeError as error:
                output.append(failed_item(context, error, index))
    return [output]


async def _ask(context: NodeContext) -> Outputs:
    """Send a question with links, once for all items, and wait for its answer."""
    parameters = await context.resolve_first(context.parameters)
    options = as_group(parameters.get("options"))
    text = escape(conversions.display(parameters.get("message") or "").strip()).replace("\\n", "\n")
    body = text.replace("&lt;br&gt;", "\n").replace("\n", "<br>\n")
    html = f"<html><body><p>{body}</p><p>{' '.join(buttons(context, parameters))}</p></body></html>"
    until = await answer_limit(context, options)
    mail = {**{name: parameters.get(name) for name in ("fromEmail", "toEmail", "subject")}, "html": html}
    credential = await context.credential("smtp")
    try:
        async with smtp.server(credential, context.outgoing.rules, verify=True) as connection:
            await _send(context, connection, {"json": {}}, {**mail, "emailFormat": "html"}, 0, credential)
    except NodeError as error:
        if not context.continues_on_fail:
            raise
        return [[{"json": {"error": error.message}}]]
    raise WaitRequested(until, "webhook", await question(context))


async def _send(
    context: NodeContext,
    connection: smtp.SmtpConnection,
    item: Item,
    parameters: dict[str, Any],
    index: int,
    credential: dict[str, Any],
) -> dict[str, Any]:
    """Send the mail of one item; what the server says of it."""
    # Version 1 has beside the options what later versions have among them.
    extras = {**parameters, **as_group(parameters.get("options"))}
    try:
        message = _message(item, parameters, extras, context.version, index)
        senders = _addresses(parameters.get("fromEmail"))
        recipients = [
            address.addr_spec for name in ("toEmail", "ccEmail", "bccEmail") for address in _addresses(extras.get(name))
        ]
        if not senders:
            raise NodeError("The mail has no sender: fill in From Email", item_index=index)
        if not recipients:
            raise NodeError("No recipients defined", item_index=index)
        return await smtp.send(connection, message, senders[0].addr_spec, recipients, credential.get("password"))
    except (aiosmtplib.SMTPException, OSError) as error:
        raise smtp.failure(error, credential, index) from error
    except (MessageError, ValueError, UnicodeError) as error:
        raise NodeError(f"The mail cannot be written: {error}", item_index=index) from error
    except NodeError as error:
        if context.version >= 2:
            error.name = "NodeApiError"
        raise


def _message(
    item: Item, parameters: dict[str, Any], extras: dict[str, Any], version: float, index: int
) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    senders = _addresses(parameters.get("fromEmail"))
    for header, addresses in (
        ("From", senders),
        ("To", _addresses(parameters.get("toEmail"))),
        ("Cc", _addresses(extras.get("ccEmail"))),
        ("Reply-To", _addresses(extras.get("replyTo"))),
    ):
        if addresses:
            message[header] = addresses
    if subject := " ".join(conversions.display(parameters.get("subject", "")).splitlines()):
        message["Subject"] = subject
    message["Message-ID"] = make_msgid(domain=senders[0].domain if senders and senders[0].domain else "localhost")
    message["Date"] = formatdate()
    text, html = _bodies(parameters, version)
    if text is not None or html is None:
        message.set_content(text or "")
        if html is not None:
            message.add_alternative(html, subtype="html")
    else:
        message.set_content(html, subtype="html")
    if item.get("binary"):
        # To the HTML where there is one, which may show a file by the address `cid:` and the field's name.
        html_part = message.get_body(["html"])
        add = message.add_attachment if html_part is None else html_part.add_related
        named = (part.strip() for part in str(extras.get("attachments") or "").split(","))
        for name in filter(None, named):
            _attach(add, item, name, index)
    return message


def _bodies(parameters: dict[str, Any], version: float) -> tuple[str | None, str | None]:
    """The text and the HTML of a mail, each None where it has none."""
    text, html = (conversions.display(parameters.get(name) or "") for name in ("text", "html"))
    if version < 2:
        return text or None, html or None
    kind = parameters.get("emailFormat", "text" if version == 2 else "html")
    return ((text or None) if kind in ("text", "both") else None), (
        (html or None) if kind in ("html", "both") else None
    )


def _attach(add: Callable[..., None], item: Item, name: str, index: int) -> None:
    file = binary.entry(item, name, index)
    main, _, sub = str(file.get("mimeType") or "application/octet-stream").partition("/")
    content = file_bytes(file)
    add(
        content,
        maintype=main,
        subtype=sub or "octet-stream",
        filename=str(file.get("fileName") or name),
        disposition="attachment",
        cid=f"<{name}>",
    )


def _addresses(given: Any) -> list[Address]:
    """The addresses in a list such as `Ann <ann@a.example>, b@b.example`, without what has no @.

    Raises ValueError for what is none nevertheless.
    """
    text = " ".join(conversions.display(given or "").splitlines())
    return [_address(name, address) for name, address in mailboxes(text) if "@" in address]


def _address(name: str, address: str) -> Address:
    """An address; its domain as the name system has it. Raises ValueError for what is none."""
    user, _, domain = address.rpartition("@")
    if not user or address.isascii():
        return Address(name, addr_spec=address)
    return Address(name, user, domain.encode("idna").decode() if not domain.isascii() else domain)
