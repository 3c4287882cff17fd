"""What HTTP Request says of an answer that is no success: the description that n8n 2.40.7 was seen to give."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.engine.nodes import far_side
from tests.engine.nodes.asking import ask
from tests.engine.running import Engine


@pytest.fixture(scope="module")
def here() -> Iterator[str]:
    with far_side.running() as address:
        yield address


def description(
    engine: Engine, here: str, body: str, status: int = 500, answer_format: str | None = None
) -> str | None:
    query = urlencode({"status": status, "text": body, "type": "application/json"})
    options = {} if answer_format is None else {"response": {"response": {"responseFormat": answer_format}}}
    outcome = ask(engine, f"{here}/say?{query}", options=options)
    described: str | None = outcome.data["resultData"]["error"].get("description")
    return described


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": "e", "message": "m", "detail": "d"}', "e"),
        ('{"error": "", "message": "m"}', "m"),
        ('{"reason": "r", "msg": "ms"}', "ms"),
        ('{"errors": ["x", "y"]}', "x | y"),
        ('{"errors": [{"message": "a", "detail": "b"}, {"title": "t"}]}', "a | t"),
        ('{"errorMessages": ["jira"], "errors": {}}', "jira"),
        ('{"message": {"text": "tt"}}', "tt"),
        ('{"message": 5}', "5"),
        ('{"message": ["a", {"b": 1}]}', "a"),
        ('[{"error": "le"}, {"error": "lf"}]', "le | lf"),
        ('{"error": "e", "error_description": "ed"}', "e"),
        ('{"Message": "Upper"}', "Upper"),
        ('{"x": {"message": "inner"}}', '500 - "{\\"x\\": {\\"message\\": \\"inner\\"}}"'),
        ('{"error": true}', '500 - "{\\"error\\": true}"'),
        ("null", '500 - "null"'),
        ("", '500 - ""'),
        ("{nope", "{nope"),
    ],
)
def test_what_a_service_says(engine: Engine, here: str, body: str, said: str) -> None:
    assert description(engine, here, body) == said


def test_a_format_that_was_asked_for_is_told_in_it(engine: Engine, here: str) -> None:
    told = [description(engine, here, '{"a":1}', answer_format=each) for each in ("json", "text", "file")]
    assert told == ['500 - {"a":1}', '500 - {"a":1}', '500 - "{\\"a\\":1}"']


def test_nothing_is_said_twice(engine: Engine, here: str) -> None:
    assert description(engine, here, "", status=304) is None
