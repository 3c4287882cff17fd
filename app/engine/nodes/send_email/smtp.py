"""Sending one mail through an SMTP server that a credential names, under the address rules of outgoing HTTP.

Knows messages and servers, no node.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import aiosmtplib

from app.engine.nodes.shared.connection_errors import connect, hide_password
from app.engine.run.errors import NodeError
from app.engine.values import conversions
from app.outgoing.addresses import AddressRules

SECONDS = 60.0
QUIT_SECONDS = 5.0
"""How long the server may take to say goodbye: the mails are sent by then."""


class SmtpConnection(aiosmtplib.SMTP):
    """A connection that knows since when the server has all addresses of its last mail."""

    enveloped_at = 0.0

    async def data(self, *given: Any, **more: Any) -> aiosmtplib.SMTPResponse:
        """Send the text of a mail, and note that its envelope has been sent."""
        self.enveloped_at = time.monotonic()
        return await super().data(*given, **more)

    def close(self) -> None:
        """Let go at once, also of what a server that reads nothing has not taken: it would be kept for good."""
        transport = self.transport
        super().close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


@asynccontextmanager
async def server(credential: dict[str, Any], rules: AddressRules, *, verify: bool) -> AsyncIterator[SmtpConnection]:
    """A connection to the server, encrypted and logged in as the credential says. Raises NodeError."""
    host = str(credential.get("host") or "")
    secure = bool(credential.get("secure", True))
    port = int(conversions.to_number(credential.get("port") or 465))
    user = str(credential.get("user") or "")
    try:
        connection = SmtpConnection(
            hostname=host,
            sock=await connect(rules, host, port, seconds=SECONDS),
            username=user or None,
            password=str(credential.get("password") or "") if user else None,
            local_hostname=str(credential.get("hostName") or "") or socket.gethostname(),
            use_tls=secure,
            start_tls=None if not secure and not credential.get("disableStartTls") else False,
            validate_certs=verify,
            timeout=SECONDS,
        )
        await connection.connect()
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise failure(error, credential) from error
    try:
        yield connection
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await connection.quit(timeout=QUIT_SECONDS)
    finally:
        connection.close()


async def send(
    connection: SmtpConnection, message: EmailMessage, sender: str, recipients: list[str], password: object = None
) -> dict[str, Any]:
    """Send the message; what became of it, in n8n's shape, without the password. Raises aiosmtplib.SMTPException.

    Addresses beyond ASCII need a server that takes them (SMTPUTF8).
    """

    def said(text: str) -> str:
        return _said(text, password)

    wide = not all(address.isascii() for address in (sender, *recipients))
    content = message.as_bytes(policy=SMTP.clone(utf8=wide))
    started = time.monotonic()
    options = ["SMTPUTF8", "BODY=8BITMIME"] if wide else []
    refused, response = await connection.sendmail(sender, recipients, content, mail_options=options)
    return {
        "accepted": [recipient for recipient in recipients if recipient not in refused],
        "rejected": list(refused),
        **({"rejectedErrors": [_refusal(*each, password) for each in refused.items()]} if refused else {}),
        "ehlo": [said(line) for line in _lines(connection.last_ehlo_response)[1:]],
        "envelopeTime": round((connection.enveloped_at - started) * 1000),
        "messageTime": round((time.monotonic() - connection.enveloped_at) * 1000),
        "messageSize": len(content),
        "response": f"250 {said(response)}",
        "envelope": {"from": sender, "to": recipients},
        "messageId": str(message["Message-ID"]),
    }


def _lines(response: aiosmtplib.SMTPResponse | None) -> list[str]:
    return [] if response is None else response.message.splitlines()


def _said(text: str, password: object) -> str:
    """What a server says, but for its password; signs that are no UTF-8 are replaced."""
    return hide_password(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), password)


def _refusal(recipient: str, response: aiosmtplib.SMTPResponse, password: object) -> dict[str, Any]:
    said = {"response": f"{response.code} {_said(response.message, password)}", "responseCode": response.code}
    return {"code": "EENVELOPE", **said, "command": "RCPT TO", "recipient": recipient}


def failure(error: Exception, credential: dict[str, Any], item: int | None = None) -> NodeError:
    """What the node says about a refusal; never with the password in it."""

    def said(text: str) -> str:
        return _said(text, credential.get("password"))

    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        first = error.recipients[0]
        text = f"Can't send mail - all recipients were rejected: {first.code} {said(first.message)}"
    elif isinstance(error, aiosmtplib.SMTPResponseException):
        text = f"{error.code} {said(error.message)}"
    else:
        text = said(str(error) or type(error).__name__)
    return NodeError(text, item_index=item, name="NodeApiError")
