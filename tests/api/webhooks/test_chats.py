"""Chat Triggers: a page of our own, messages as n8n's items, and the workflow's answer."""

import uuid
from typing import Any

import psycopg
import pytest

from app.api.webhooks.chat.chat import wanted_session
from app.repository import chat_messages
from app.triggers.chats import chats_of
from tests.api.forms.filling import multipart
from tests.api.webhooks.conftest import FAILS, NONE, Site
from tests.workflows import Json, chain, code, node

CHAT = "@n8n/n8n-nodes-langchain.chatTrigger"
TALK = "@n8n/n8n-nodes-langchain.chat"
ANSWER = code("return [{json: {output: 'You said ' + $json.chatInput, all: $json}, binary: $binary}]", "Answer")
MESSAGE = {"action": "sendMessage", "sessionId": "s1", "chatInput": "hi"}


def chat(site: Site, *nodes: Json, version: float = 1.1, more: Json | None = None, **parameters: Any) -> str:
    """The path of an active chat."""
    webhook_id = str(uuid.uuid4())
    trigger = node("Chat", CHAT, {"public": True, **parameters}, version, webhookId=webhook_id, **(more or {}))
    answer = site.activate(site.save([trigger, *(nodes or (ANSWER,))]))
    assert answer.status == 200, answer.body
    return f"{webhook_id}/chat"


def test_its_page_runs_no_script_but_our_own(site) -> None:
    evil = "</style><script>evil()</script>"
    path = chat(
        site, initialMessages=f"Hello\n{evil}", options={"title": evil, "customCss": evil, "allowFileUploads": True}
    )
    page = site.call("GET", path)
    text = page.content.decode()
    assert (page.status, page.kind) == (200, "text/html; charset=utf-8")
    assert text.count("<script>") == text.count("<\\/style><script>") + 1
    assert "default-src 'none'; script-src 'sha256-" in page.headers["content-security-policy"]
    assert "http" not in text
    assert '<input type="file" name="files"' in text
    assert '<li class="bot">Hello</li>' in text


@pytest.mark.parametrize("mode", ["lastNode", "streaming"])
def test_a_message_gets_what_the_last_node_says(site, mode: str) -> None:
    path = chat(site, options={"responseMode": mode})
    said = site.call("POST", path, MESSAGE | {"metadata": {"a": 1}})
    assert (said.status, said.json) == (
        200,
        {"output": "You said hi", "all": {**MESSAGE, "metadata": {"a": 1}}},
    )
    assert site.call("POST", path, {"action": "loadPreviousSession", "sessionId": "s1"}).json == {"data": []}
    assert site.call("POST", path, [1]).status == 400
    assert site.call("POST", chat(site, FAILS), MESSAGE).json == {"message": "Error in workflow"}
    assert site.call("POST", chat(site, NONE), MESSAGE).message == "No item to return was found"


def test_files_come_with_a_message(site) -> None:
    path = chat(site, options={"allowFileUploads": True, "allowedFilesMimeTypes": "text/*"})
    fields = [*MESSAGE.items(), ("files", ("a.txt", "text/plain", b"abc"))]
    body, headers = multipart(*fields)
    said = site.call("POST", path, body, **headers).json["all"]
    assert said["files"] == [
        {"fileName": "a.txt", "fileSize": "3 B", "fileType": "text", "mimeType": "text/plain", "fileExtension": "txt",
         "binaryKey": "data0"}
    ]  # fmt: skip
    assert said["chatInput"] == "hi"
    body, headers = multipart(*fields, ("files", ("a.png", "image/png", b"abc")))
    assert site.call("POST", path, body, **headers).status == 400


def test_a_respond_node_can_answer(site) -> None:
    respond = node(
        "Respond", "respondToWebhook", {"respondWith": "text", "responseBody": "=got {{ $json.chatInput }}"}, 1.1
    )
    path = chat(site, respond, options={"responseMode": "responseNode"}, mode="webhook", version=1.3)
    assert site.call("POST", path, MESSAGE).content == b"got hi"
    assert site.call("GET", path).status == 404, "it is embedded elsewhere"


def test_who_is_let_in(site) -> None:
    made = site.server.post(
        "/api/v1/credentials", {"name": "c", "type": "httpBasicAuth", "data": {"user": "ann", "password": "pw"}}
    )
    with_login = {"credentials": {"httpBasicAuth": {"id": made.body["id"], "name": "c"}}}
    path = chat(site, authentication="basicAuth", more=with_login, options={"allowedOrigins": "https://a.example"})
    assert site.call("GET", path).status == 401
    assert site.call("POST", path, MESSAGE).status == 401
    said = site.call("POST", path, MESSAGE, Authorization="Basic YW5uOnB3", Origin="https://b.example")
    assert (said.status, said.headers["access-control-allow-origin"]) == (200, "https://a.example")
    assert site.call("POST", chat(site, public=False), MESSAGE).status == 404
    unknown = node("Chat", CHAT, {"public": True, "options": {"responseMode": "shouting"}}, 1.3, webhookId="x")
    assert site.activate(site.save([unknown, ANSWER])).status == 400


@pytest.mark.parametrize(
    ("version", "parameters", "session", "suffix"),
    [
        (1.3, {}, "", ""),
        (1.4, {}, "", " of Memory"),
        (1, {"sessionKey": "={{ $json.sessionId }}"}, "", ""),
        (1.1, {}, "", ""),
        (1, {}, "chat_history", ""),
        (1.4, {"sessionIdType": "customKey", "sessionKey": "all"}, "all", ""),
        (1.3, {"sessionIdType": "customKey", "sessionKey": "={{ $json.user }}"}, None, ""),
    ],
)
def test_which_session_of_a_simple_memory_a_page_shows(version: float, parameters: Json, session, suffix: str) -> None:
    options = {"loadPreviousSession": "memory"}
    document = chain(node("Chat", CHAT, {"public": True, "options": options}, 1.3, webhookId="w"), ANSWER)
    assert not chats_of(document)[0].settings["chat"]["loads"]
    document["nodes"].append(node("Memory", "@n8n/n8n-nodes-langchain.memoryBufferWindow", parameters, version))
    document["connections"]["Memory"] = {"ai_memory": [[{"node": "Chat", "type": "ai_memory", "index": 0}]]}
    stored = chats_of(document)[0].settings["chat"]
    assert (stored["session"] if stored["loads"] else None, stored["session_suffix"]) == (session, suffix)


@pytest.mark.parametrize("session", [b'"\xff"', b"1e400", b"9" * 500, b'"\\ud800"'])
def test_a_session_whose_name_is_no_text_has_no_messages(session: bytes) -> None:
    wanted = wanted_session(b'{"action":"loadPreviousSession","sessionId":' + session + b"}")
    assert wanted is None or wanted.session is None


def test_a_page_that_is_opened_again_shows_what_was_said(site) -> None:
    path = chat(site)
    asked = {"action": "loadPreviousSession", "sessionId": "s1"}
    loads = """UPDATE webhooks SET settings = jsonb_set(settings::jsonb, '{chat,loads}', 'true')::json
                WHERE path = %s RETURNING workflow_id"""
    messages = [
        '{"type":"human","data":{"content":"hi","additional_kwargs":{}}}',
        '{"type":"ai","data":{"content":"hidden","additional_kwargs":{"hideFromUI":true}}}',
        '{"type":"ai","data":{"content":"hello"}}',
    ]
    with psycopg.connect(site.database_url) as connection:
        [(workflow_id,), *_] = connection.execute(loads, [path]).fetchall()
        chat_messages.add(connection, workflow_id, "s1", messages)
    found = site.call("POST", path, asked).json["data"]
    assert [(each["id"][2], each["kwargs"]["content"]) for each in found] == [
        ("HumanMessage", "hi"),
        ("AIMessage", "hello"),
    ]
    assert b"<form data-loads>" in site.call("GET", path).content
    for unknown in ({}, "s2", None):
        assert site.call("POST", path, {**asked, "sessionId": unknown}).json == {"data": []}


def test_chat_nodes_say_things_and_wait_for_replies(site) -> None:
    say = node("Say", TALK, {"message": "=hi {{ $json.chatInput }}"}, 1.3)
    name = node("Name", TALK, {"operation": "sendAndWait", "message": "Your name?"}, 1.3)
    both = {"values": {"approvalType": "double", "disapproveLabel": "No"}}
    asked = {"operation": "sendAndWait", "message": "Sure?", "responseType": "approval", "approvalOptions": both}
    sure = node("Sure", TALK, {**asked, "blockUserInput": True}, 1.2)
    end = node("End", TALK, {"message": "=bye {{ $('Name').first().json.chatInput }} {{ $json.data.approved }}"}, 1.3)
    path = chat(site, say, name, sure, end, version=1.3, options={"responseMode": "responseNodes"})
    first = site.call("POST", path, MESSAGE).json
    assert first["messages"] == ["hi hi", "Your name?"]
    second = site.call("POST", first["reply"], {**MESSAGE, "chatInput": "Ann"}, base="").json
    yes = {"text": "Approve", "approved": True, "style": "primary"}
    no = {"text": "No", "approved": False, "style": "secondary"}
    assert second.get("messages"), second
    assert second["messages"] == [{"text": "Sure?", "buttons": [yes, no], "blockUserInput": True}]
    assert site.call("POST", second["reply"], {**MESSAGE, "chatInput": "well"}, base="").status == 400
    last = site.call("POST", second["reply"], {"approved": False}, base="").json
    assert last == {"messages": ["bye Ann false"]}
    assert site.call("POST", second["reply"], {"approved": False}, base="").status == 409
    assert site.call("POST", second["reply"].replace("signature=", "signature=x"), {}, base="").status == 401
    [run] = site.server.get("/api/v1/executions?limit=1&includeData=true").body["data"]
    runs = run["data"]["resultData"]["runData"]
    outputs = {each: runs[each][-1]["data"]["main"][0][0]["json"] for each in ("Say", "Name", "Sure")}
    reply = {"sessionId": "s1", "action": "sendMessage", "chatInput": "Ann"}
    assert outputs == {"Say": {**reply, "chatInput": "hi hi"}, "Name": reply, "Sure": {"data": {"approved": False}}}
    failing = chat(site, say, FAILS, version=1.3, options={"responseMode": "responseNodes"})
    assert site.call("POST", failing, MESSAGE).json == {"message": "Error in workflow", "messages": ["hi hi"]}
