"""What of stored run data cannot be read is told apart from the rest, which is decoded once."""

import pytest

from app.repository import lifecycle
from app.repository.damaged_data import read_intact
from app.repository.execution_data import DataReader
from tests.repository.given import a_running_execution, a_worker, a_workflow


def test_what_was_decoded_to_be_looked_at_is_not_decoded_again(connection, monkeypatch):
    a_workflow(connection)
    worker_id = a_worker(connection)
    document = b'{"a":"' + b"x" * 10_000 + b'"}'
    execution_id = a_running_execution(connection, worker_id)
    lifecycle.finish(connection, worker_id, [lifecycle.Result(execution_id, "success", "manual", document)])
    connection.commit()

    stored = read_intact(connection, [execution_id])[execution_id]
    assert stored is not None
    reader = DataReader(lambda: pytest.fail("read again"))
    monkeypatch.setattr(reader, "_decompressor", None)
    assert b"".join(reader.as_json(stored)) == document
