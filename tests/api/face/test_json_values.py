"""A body of more values than anybody needs is refused before they are built."""

import pytest

from app.api.face.json_values import MAX_VALUES, has_too_many_values
from tests.api.webhooks.bodies.growth import takes_less_than


@pytest.mark.parametrize("value", [b"[]", b"{}", b"1", b'"a"', b'{"a":1}', b'"\\""', b'"\\\\"'])
def test_values_are_counted_and_what_stands_in_texts_is_not(value: bytes) -> None:
    assert has_too_many_values(b"[" + (value + b",") * MAX_VALUES + b"1]")
    assert not has_too_many_values(b"[" + (value + b",") * 1_000 + b"1]")
    assert not has_too_many_values(b'["' + b",[{" * MAX_VALUES + b'"]')
    assert not has_too_many_values(b'["' + b'\\",' * (MAX_VALUES + 1) + b'"]')


def test_they_are_refused_in_a_sentence(api) -> None:
    body = b'{"name":"a","nodes":[],"connections":{},"settings":{},"staticData":[%b1]}' % (b"[]," * MAX_VALUES)
    answer = api.post("/workflows", data=body, content_type="application/json")
    assert (answer.status_code, answer.json) == (400, {"message": "The request body has more than 500,000 values"})


def test_to_count_takes_little() -> None:
    assert takes_less_than(3, has_too_many_values, b"[" + b'"a",' * 1_000_000 + b"1]")
