"""Of executions that change what a workflow keeps at once, the first is heard and the others are told."""

import pytest

from app.repository import static_data
from tests.repository.given import a_workflow
from tests.repository.test_races import at_once


@pytest.fixture
def workflow_id(connection) -> str:
    return a_workflow(connection)


def test_what_has_changed_meanwhile_is_not_overwritten(connection, workflow_id: str) -> None:
    static_data.change(connection, workflow_id, {}, {"global": b'{"n":1}'})
    before = static_data.read_parts(connection, workflow_id)
    static_data.change(connection, workflow_id, before, {"global": b'{"n":2}', "node:A": b"{}"})
    for known in (before, {}):
        with pytest.raises(static_data.StaticDataChanged):
            static_data.change(connection, workflow_id, known, {"global": b'{"n":3}'})
    assert static_data.read_parts(connection, workflow_id) == {"global": b'{"n":2}', "node:A": b"{}"}


@pytest.mark.parametrize("before", [{}, {"global": b'{"n":0}'}])
def test_of_changes_at_once_one_is_kept(connect, connection, workflow_id: str, before: dict[str, bytes]) -> None:
    static_data.change(connection, workflow_id, {}, before)
    connection.commit()

    def changing(number: int):
        return lambda c: static_data.change(c, workflow_id, before, {"global": b'{"n":%d}' % number})

    answers = at_once(connect, *(changing(number) for number in range(1, 5)))
    assert [type(answer) for answer in answers if answer is not None] == [static_data.StaticDataChanged] * 3
    winner = answers.index(None) + 1
    assert static_data.read_parts(connection, workflow_id) == {"global": b'{"n":%d}' % winner}


def test_parts_that_others_changed_do_not_matter(connection, workflow_id: str) -> None:
    static_data.change(connection, workflow_id, {}, {"node:A": b"1"})
    static_data.change(connection, workflow_id, {}, {"node:B": b"2"})
    assert static_data.read_parts(connection, workflow_id) == {"node:A": b"1", "node:B": b"2"}


def test_nothing_is_kept_of_a_workflow_that_is_gone(connection) -> None:
    static_data.change(connection, "gone", {}, {"global": b"{}"})
    static_data.change(connection, "gone", {"global": b"{}"}, {"global": b"1"})
    assert static_data.read_parts(connection, "gone") == {}
