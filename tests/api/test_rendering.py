"""The functions that render answers and the schemas that describe them say the same."""

from datetime import UTC, datetime
from uuid import uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import RAISE

from app.api import rendering
from app.notation import time_text
from app.repository.executions import Execution, Tag
from app.schemas.base import encode_json, parse_execution_id, splice
from app.schemas.executions import ExecutionSchema
from app.vocabulary import MODES, STATUSES, VOTES

times = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
maybe_time = st.none() | times
maybe_id = st.none() | st.integers(1, 2**63 - 1)
executions = st.builds(
    Execution,
    id=st.integers(1, 2**63 - 1),
    workflow_id=st.text("abc", min_size=1),
    workflow_name=st.text(min_size=1),
    workflow_version_id=st.builds(uuid4),
    project_id=st.text("abc", min_size=1),
    status=st.sampled_from(STATUSES),
    mode=st.sampled_from(MODES),
    created_at=times,
    started_at=maybe_time,
    stopped_at=maybe_time,
    wait_till=maybe_time,
    retry_of=maybe_id,
    retry_success_id=maybe_id,
    error_node=st.none() | st.text(),
    error_message=st.none() | st.text(),
    json_size_bytes=st.integers(0, 2**40),
    vote=st.none() | st.sampled_from(VOTES),
    input_preview=st.sampled_from([None, b'{"order.id":7,"paid":true}']),
    tags=st.lists(st.builds(Tag, id=st.text(), name=st.text()), max_size=3).map(tuple),
)
KEYS = [
    "id",
    "workflowId",
    "workflowName",
    "projectId",
    "status",
    "mode",
    "createdAt",
    "startedAt",
    "stoppedAt",
    "waitTill",
    "retryOf",
    "retrySuccessId",
    "finished",
    "workflowVersionId",
    "jsonSizeBytes",
    "error",
    "inputPreview",
    "annotation",
    *rendering.N8N_HAS_BESIDES,
]


@given(executions)
def test_an_execution_is_what_its_schema_describes(execution):
    rendered = orjson.loads(orjson.dumps(rendering.render_execution(execution, with_input=True)))
    assert list(rendered) == KEYS == [field.data_key for field in ExecutionSchema().fields.values()]
    loaded = ExecutionSchema(unknown=RAISE).load(rendered)
    for name in ("created_at", "started_at", "stopped_at", "wait_till"):
        stored = getattr(execution, name) or (execution.created_at if name == "started_at" else None)
        assert loaded[name] == (stored and stored.replace(microsecond=stored.microsecond // 1000 * 1000))
    assert loaded["finished"] == (execution.status == "success")
    assert (loaded["error"] is None) == (execution.error_message is None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("1042", 1042),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("0", None),
        ("01", None),
        ("-1", None),
        ("+1", None),
        (" 1", None),
        ("1\n", None),
        ("1_0", None),
        ("٣", None),
        ("1e3", None),
        ("exec_123", None),
        ("", None),
        ("9" * 30, None),
    ],
)
def test_ids(text, number):
    assert parse_execution_id(text) == number


def test_splicing():
    assert splice({"id": "1"}, b"{}") == b'{"id":"1"}'
    assert splice({"id": "1"}, b" { } ") == b'{"id":"1"}'
    assert splice({"id": "1"}, b' {"a" : 1}\n') == b'{"id":"1","a" : 1}'
    assert encode_json({"a": 1}) == b'{"a":1}'


@pytest.mark.parametrize(
    ("microsecond", "text"),
    [(0, "000"), (1, "000"), (999, "000"), (1000, "001"), (120_000, "120"), (999_999, "999")],
)
def test_times_have_milliseconds(microsecond, text):
    assert time_text(datetime(2024, 2, 19, 10, 30, 0, microsecond, UTC)) == f"2024-02-19T10:30:00.{text}Z"
