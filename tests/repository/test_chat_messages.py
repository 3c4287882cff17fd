"""The messages of chats: in their order, of those who add at once each, and never more than there is room for."""

import pytest

from app.repository import chat_messages
from tests.repository.given import a_workflow
from tests.repository.test_races import at_once


def texts(connection, workflow_id, session):
    return [text for _, text in chat_messages.read(connection, workflow_id, session)]


def test_sessions_keep_their_messages_in_order(connection):
    one, other = a_workflow(connection), a_workflow(connection, "w2")
    chat_messages.add(connection, one, "s", ["a", "b"])
    chat_messages.add(connection, one, "s", ["c"])
    chat_messages.add(connection, one, "t", ["x"])
    chat_messages.add(connection, other, "s", ["y"])
    chat_messages.add(connection, "gone", "s", ["z"])
    [_, (second, _), _] = chat_messages.read(connection, one, "s")
    assert texts(connection, one, "s") == ["a", "b", "c"]
    chat_messages.clear(connection, one, "s", second)
    assert texts(connection, one, "s") == ["c"]
    chat_messages.clear(connection, one, "s")
    assert [texts(connection, *place) for place in ((one, "s"), (one, "t"), (other, "s"))] == [[], ["x"], ["y"]]


def test_executions_that_add_at_once_lose_nothing(connect, connection):
    workflow_id = a_workflow(connection)
    connection.commit()
    pairs = [[f"q{number}", f"a{number}"] for number in range(8)]
    at_once(connect, *(lambda c, pair=pair: chat_messages.add(c, workflow_id, "s", pair) for pair in pairs))
    said = texts(connection, workflow_id, "s")
    assert sorted(said[place : place + 2] for place in range(0, 16, 2)) == pairs


def test_the_oldest_make_way(connection, monkeypatch: pytest.MonkeyPatch):
    workflow_id = a_workflow(connection)
    for name, most in (("MAX_PER_SESSION", 3), ("LOOK_EACH", 1), ("MAX_PER_WORKFLOW", 5), ("MAX_READ_BYTES", 5)):
        monkeypatch.setattr(chat_messages, name, most)
    chat_messages.add(connection, workflow_id, "s", ["a", "b", "c", "d"])
    assert texts(connection, workflow_id, "s") == ["b", "c", "d"]
    chat_messages.add(connection, workflow_id, "t", ["e", "f", "g"])
    assert texts(connection, workflow_id, "s") == ["c", "d"], "five of the workflow"
    chat_messages.add(connection, workflow_id, "u", ["1234", "56"])
    assert texts(connection, workflow_id, "u") == ["56"], "so many bytes are read"
    monkeypatch.setattr(chat_messages, "MAX_BYTES_PER_WORKFLOW", 7)
    chat_messages.add(connection, workflow_id, "s", ["h"])
    assert texts(connection, workflow_id, "s") == ["h"]
    connection.execute("UPDATE chat_messages SET created_at = now() - interval '31 days' WHERE message = '56'")
    chat_messages.forget_old(connection)
    assert texts(connection, workflow_id, "u") == ["1234"]
