"""What a model fills in, read from a node's parameters."""

import time

import pytest

from app.triggers.from_ai import schema_of


def test_calls_become_a_schema():
    parameters = {
        "url": "={{ $fromAI('url', `the url`, 'string', 'http://x') }}",
        "list": ["={{ /*n8n-auto*/ $fromAI('days', 'how \\'long\\', (really)', 'number') }}"],
        "more": "={{ $fromAI('a', 'd', 'boolean', true) }} {{ $fromAI('b', 'd', 'json', {\"x\": [1, 2]}) }}",
        "again": "={{ $fromai(\"c\") }} {{ $fromAI('c') }}",
        "plain": "$fromAI('no')",
    }
    assert schema_of(parameters) == {
        "type": "object",
        "properties": {
            "url": {"type": "string", "description": "the url", "default": "http://x"},
            "days": {"type": "number", "description": "how 'long', (really)"},
            "a": {"type": "boolean", "description": "d", "default": True},
            "b": {"type": "object", "description": "d", "default": {"x": [1, 2]}},
            "c": {"type": "string"},
        },
        "required": ["days", "c"],
    }


@pytest.mark.parametrize("text", ["={{ $fromAI('a }}", "={{ $fromAI() }}", "={{ $fromAI('a b') }}", "={{ $fromAI(x }}"])
def test_what_cannot_be_read_is_left_out(text):
    assert schema_of({"x": text})["properties"] == {}


def test_calls_that_never_end_are_read_in_bounded_time():
    began = time.process_time()
    assert schema_of({"x": "=" + "$fromAI(" * 200_000})["properties"] == {}
    assert time.process_time() - began < 5
