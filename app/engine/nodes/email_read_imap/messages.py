"""A mail as an item, in each of n8n's formats. Knows messages, no server."""

import html
import html.entities
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import Message
from email.policy import Policy
from email.utils import parsedate_to_datetime
from typing import Any

from app import dates
from app.binary_files import file_entry
from app.engine.nodes.email_read_imap.encoded_words import decode_words
from app.engine.nodes.shared.mailboxes import mailboxes
from app.engine.run.items import Item
from app.outgoing.charsets import codec_named
from app.outgoing.header_parameters import MAX_LENGTH

TOP = ("from", "to", "cc", "subject", "date")
"""Headers that stand beside the text; the others are in `metadata`."""
ADDRESSES = {"from": "from", "to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "replyTo"}
TEXTS = {"message-id": "messageId", "in-reply-to": "inReplyTo"}
MAX_PARTS, MAX_BUILT = 1_000, 10_000
"""Parts that become something, and that the library builds: each takes some thousand bytes."""
MAX_LINES = 1_500_000
"""Each is a text of its own while the mail is read. As many take about as much as 25 MiB in long lines."""
MAX_COMPARED = 10_000_000
"""Lines times boundaries: each line is compared with the boundaries of all parts around it."""
BOUNDARY = re.compile(rb"boundary[\s\x1c-\x1f*\d]*=", re.IGNORECASE)
MAX_HEAD_BYTES = 256 * 2**10
"""Of the headers of a mail; what an address becomes takes a hundred times as much."""
WITH_PARAMETERS = ("content-type", "content-disposition")


class Unreadable(Exception):
    """A mail that its sender has made so that nobody comes to the end of it."""


def read_message(content: bytes) -> "Message[Any, Any]":
    """The message; of headers that have parameters, the beginning. Raises Unreadable."""
    if len(content.partition(b"\r\n\r\n")[0]) > MAX_HEAD_BYTES:
        raise Unreadable(f"its headers have more than {MAX_HEAD_BYTES:,} bytes")
    lines = content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")  # any of them ends one
    if lines > MAX_LINES:
        raise Unreadable(f"it has more than {MAX_LINES:,} lines")
    if lines * sum(1 for _ in BOUNDARY.finditer(content)) > MAX_COMPARED:
        raise Unreadable("it has too many parts")
    try:
        message = message_from_bytes(content, _Builder(), policy=policy.compat32)  # type: ignore[arg-type]
        for part in message.walk():
            for name in filter(part.__contains__, WITH_PARAMETERS):
                _mend_parameters(part, name)
    except RecursionError:
        raise Unreadable("its parts are nested too deeply") from None
    return message


class _Builder:
    """Makes the parts of one mail for the library, and no more than MAX_BUILT. Raises Unreadable."""

    def __init__(self) -> None:
        self._built = 0

    def __call__(self, policy: "Policy[Any]") -> "Message[Any, Any]":
        self._built += 1
        if self._built > MAX_BUILT:
            raise Unreadable("it has too many parts")
        return Message(policy)


def _mend_parameters(part: "Message[Any, Any]", name: str) -> None:
    """See that the parameters of a header can be read; the library trips over some, and takes long over many."""
    value = str(part[name])
    if len(value) > MAX_LENGTH:
        part.replace_header(name, value[:MAX_LENGTH])
    try:
        part.get_params([], name)
    except (TypeError, ValueError, LookupError):
        part.replace_header(name, value[:MAX_LENGTH].partition(";")[0])


def raw_item(content: bytes) -> Item:
    """The body as it was sent."""
    body = content.partition(b"\r\n\r\n")[2]
    return {"json": {"raw": body.decode("utf-8", "replace")}}


def simple_item(content: bytes, *, prefix: str | None) -> Item:
    """Texts and headers; with `prefix`, the attachments as files."""
    message = read_message(content)
    headers = {name.lower(): value for name, value in reversed(_headers(message))}
    texts = {kind: _text(message, kind) for kind in ("html", "plain")}
    json: dict[str, Any] = {"textHtml": texts["html"] or "", "textPlain": texts["plain"] or ""}
    json["metadata"] = {name: value for name, value in reversed(headers.items()) if name not in TOP}
    json |= {name: headers[name] for name in TOP if name in headers}
    return _with_files({"json": json}, message, prefix)


def resolved_item(content: bytes, *, prefix: str) -> Item:
    """Everything that can be told of the mail, its attachments as files."""
    message = read_message(content)
    lines = [(name, value) for name, value in message.raw_items()]
    json: dict[str, Any] = {
        "headers": {name.lower(): f"{name}: {_to_text(value)}" for name, value in reversed(lines)},
        "html": _lines(_text(message, "html")) or False,
    }
    text = _lines(_text(message, "plain"))
    if text is not None:
        json |= {"text": text, "textAsHtml": text_as_html(text)}
    headers = {name.lower(): value for name, value in reversed(_headers(message))}
    if "subject" in headers:
        json["subject"] = headers["subject"]
    if (moment := _date(headers.get("date"))) is not None:
        json["date"] = moment
    for name, key in ADDRESSES.items():
        if name in headers:
            given = [_to_text(value) for value in message.get_all(name, [])]
            json[key] = addresses(", ".join(given[:1] if name == "from" else given))
    json |= {key: headers[name].strip() for name, key in TEXTS.items() if name in headers}
    if references := headers.get("references", "").split():
        json["references"] = references if len(references) > 1 else references[0]
    return _with_files({"json": json}, message, prefix)


def addresses(line: str) -> dict[str, Any]:
    """The addresses of a header, for programs, as HTML and as text."""
    pairs = [(decode_text(name), address) for name, address in mailboxes(str(line)) if address or name]
    shown = []
    for name, address in pairs:
        link = f'<a href="mailto:{html.escape(address)}" class="mp_address_email">{html.escape(address)}</a>'
        named = f'<span class="mp_address_name">{html.escape(name)}</span> &lt;{link}&gt;' if name else link
        shown.append(f'<span class="mp_address_group">{named}</span>')
    return {
        "value": [{"address": address, "name": name} for name, address in pairs],
        "html": ", ".join(shown),
        "text": ", ".join(f'"{name}" <{address}>' if name else address for name, address in pairs),
    }


def text_as_html(text: str) -> str:
    """A text as paragraphs of HTML."""
    blocks = [block for block in text.strip("\n").split("\n\n") if block.strip()]
    return "".join("<p>" + _entities(block.strip("\n")).replace("\n", "<br/>") + "</p>" for block in blocks)


def _entities(text: str) -> str:
    names = html.entities.codepoint2name
    return "".join(
        f"&{names[ord(sign)]};" if ord(sign) in names else sign if sign.isascii() else f"&#x{ord(sign):X};"
        for sign in text
    )


def decode_text(text: Any) -> str:
    """A header's text without its encoding."""
    return decode_words(_to_text(text))


def _to_text(value: Any) -> str:
    """A header's value as text: bytes that say nothing of their charset are taken as UTF-8."""
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _headers(message: "Message[Any, Any]") -> list[tuple[str, str]]:
    return [(name, " ".join(decode_text(value).splitlines())) for name, value in message.raw_items()]


def _parts(message: "Message[Any, Any]") -> Iterator["Message[Any, Any]"]:
    for number, part in enumerate(message.walk()):
        if number >= MAX_PARTS:
            return
        if not part.is_multipart():
            yield part


def _is_file(part: "Message[Any, Any]") -> bool:
    return part.get_content_disposition() == "attachment" or part.get_content_maintype() != "text"


def _text(message: "Message[Any, Any]", kind: str) -> str | None:
    for part in _parts(message):
        if part.get_content_type() == f"text/{kind}" and not _is_file(part):
            content = part.get_payload(decode=True)
            data = content if isinstance(content, bytes) else b""
            return data.decode(codec_named(part.get_content_charset()) or "utf-8", "replace")
    return None


def _lines(text: str | None) -> str | None:
    return None if text is None else text.replace("\r\n", "\n")


def _date(text: str | None) -> str | None:
    try:
        return dates.to_iso(parsedate_to_datetime(text)) if text else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _with_files(item: Item, message: "Message[Any, Any]", prefix: str | None) -> Item:
    if prefix is None:
        return item
    files = {}
    for number, part in enumerate(part for part in _parts(message) if _is_file(part)):
        content = part.get_payload(decode=True)
        name = part.get_filename()
        data = content if isinstance(content, bytes) else b""
        files[f"{prefix}{number}"] = file_entry(data, part.get_content_type(), decode_text(name) if name else None)
    return {**item, "binary": files} if files else item
