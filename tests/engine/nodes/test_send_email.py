"""Send Email against a real SMTP server: what arrives, what the item says, and what is refused."""

import pytest

from tests.engine.nodes.postbox import MAIL, answers, send
from tests.engine.running import Engine


def test_html_arrives_as_it_was_written(engine: Engine, postbox) -> None:
    box, held = postbox
    [answer] = answers(send(engine, held, {"html": "<b>hé</b>", "options": {}}))
    [(sender, recipients, message)] = box.received
    assert (sender, recipients) == ("me@a.example", ["you@b.example", "two@b.example"])
    assert (message["subject"], message["from"], message["to"]) == ("Hällo", "Me <me@a.example>", MAIL["toEmail"])
    assert message.get_content_type() == "text/html"
    assert message.get_content().strip() == "<b>hé</b>"
    assert answer["accepted"] == recipients
    assert answer["rejected"] == []
    assert answer["envelope"] == {"from": sender, "to": recipients}
    assert answer["response"].startswith("250 ")
    assert answer["messageId"] == message["message-id"]


def test_both_formats_copies_and_attachments(engine: Engine, postbox) -> None:
    box, held = postbox
    options = {
        "ccEmail": "cc@b.example",
        "bccEmail": "bcc@b.example",
        "replyTo": "r@b.example",
        "attachments": "data, more",
    }
    file = {"data": "aGVsbG8=", "mimeType": "text/plain", "fileName": "a.txt"}
    parameters = {"emailFormat": "both", "text": "plain", "html": "<i>h</i>", "options": options}
    send(engine, held, parameters, items=[{"json": {}, "binary": {"data": file, "more": file}}])
    [(_, recipients, message)] = box.received
    assert recipients[2:] == ["cc@b.example", "bcc@b.example"]
    assert (message["cc"], message["reply-to"], message["bcc"]) == ("cc@b.example", "r@b.example", None)
    assert message.get_body(["plain"]).get_content().strip() == "plain"
    assert message.get_body(["html"]).get_content().strip() == "<i>h</i>"
    # In the HTML, which may show it as cid:data.
    _, html = message.iter_parts()
    assert [message.get_content_type(), html.get_content_type()] == ["multipart/alternative", "multipart/related"]
    attachment, more = html.iter_attachments()
    assert more["content-id"] == "<more>"
    assert attachment.get_content_disposition() == "attachment"
    assert (attachment.get_filename(), attachment.get_content(), attachment["content-id"]) == (
        "a.txt",
        "hello",
        "<data>",
    )


@pytest.mark.parametrize(
    ("version", "parameters", "kind"),
    [
        (1, {"text": "t", "html": "<p>"}, "multipart/alternative"),
        (1, {"text": "t"}, "text/plain"),
        (2, {"text": "t", "html": "<p>"}, "text/plain"),
        (2.1, {"text": "t", "html": "<p>"}, "text/html"),
    ],
)
def test_each_version_has_its_default_format(engine: Engine, postbox, version: float, parameters, kind: str) -> None:
    box, held = postbox
    send(engine, held, parameters, version)
    assert box.received[0][2].get_content_type() == kind


def test_a_refused_recipient_is_told(engine: Engine, postbox) -> None:
    _, held = postbox
    sentence = "Can't send mail - all recipients were rejected: 550 no such user"
    outcome = send(engine, held, {"toEmail": "bad@b.example", "html": "x"})
    assert (outcome.status, outcome.error.message) == ("error", sentence)
    outcome = send(engine, held, {"toEmail": "bad@b.example", "html": "x"}, onError="continueRegularOutput")
    assert answers(outcome) == [{"error": sentence}]


def test_some_refused_recipients_are_told_with_the_item(engine: Engine, postbox) -> None:
    box, held = postbox
    [answer] = answers(
        send(engine, held, {"toEmail": "bad@b.example, nobody, you@b.example", "html": "", "subject": ""})
    )
    said = {"response": "550 no such user", "responseCode": 550}
    told = {"code": "EENVELOPE", **said, "command": "RCPT TO", "recipient": "bad@b.example"}
    assert (answer["accepted"], answer["rejected"]) == (["you@b.example"], ["bad@b.example"])
    assert answer["rejectedErrors"] == [told]
    assert "SMTPUTF8" in answer["ehlo"]
    assert 0 <= answer["envelopeTime"] < 60_000
    [(_, _, message)] = box.received
    assert (message["to"], message["subject"]) == ("bad@b.example, you@b.example", None)
    assert message.get_content_type() == "text/plain"


@pytest.mark.parametrize(
    ("version", "parameters", "said"),
    [
        (2.1, {"options": {"attachments": "none"}}, ("NodeApiError", "The item has no binary field 'none' [item 0]")),
        (1, {"attachments": "none"}, ("NodeOperationError", "The item has no binary field 'none' [item 0]")),
        (2.1, {"toEmail": "nobody"}, ("NodeApiError", "No recipients defined")),
    ],
)
def test_a_mail_that_cannot_be_made_is_told(engine: Engine, postbox, version: float, parameters, said) -> None:
    box, held = postbox
    file = {"data": "aGVsbG8=", "mimeType": "text/plain", "fileName": "a.txt"}
    outcome = send(engine, held, {"html": "x", **parameters}, version, items=[{"json": {}, "binary": {"data": file}}])
    error = outcome.data["resultData"]["error"]
    assert ((error["name"], error["message"]), box.received) == (said, [])


def test_a_line_break_makes_no_header(engine: Engine, postbox) -> None:
    box, held = postbox
    send(
        engine,
        held,
        {"subject": "a\r\nBcc: evil@b.example", "fromEmail": "Me\r\nX-Evil: 1 <me@a.example>", "html": "x"},
    )
    for _, recipients, message in box.received:
        assert "evil@b.example" not in recipients
        assert message["bcc"] is None
        assert message["x-evil"] is None


def test_an_inner_server_is_refused_unless_it_is_named(engine: Engine, postbox) -> None:
    box, held = postbox
    outcome = send(engine, held, {"html": "x"}, allowed="")
    assert "EXECUTIONS_ALLOWED_HOSTS" in outcome.error.message
    assert box.received == []


@pytest.mark.parametrize("wide", [True, False])
def test_an_address_beyond_ascii_goes_to_a_server_that_takes_it(engine: Engine, postbox, wide: bool) -> None:
    box, held = postbox
    held["controller"].SMTP_kwargs["enable_SMTPUTF8"] = wide
    outcome = send(engine, held, {"toEmail": "Jürgen <jürgen@bücher.example>", "html": "x", "options": {}})
    if not wide:
        assert "SMTPUTF8" in outcome.error.message
        return
    [(_, recipients, message)] = box.received
    assert recipients == ["jürgen@xn--bcher-kva.example"]
    assert message["to"] == "Jürgen <jürgen@xn--bcher-kva.example>"
    assert answers(outcome)[0]["accepted"] == recipients
