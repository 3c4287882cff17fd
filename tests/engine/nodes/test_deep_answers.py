"""What a webhook's caller is given when a workflow has ended."""

import json

from app.worker.answers import AnsweringNode, answer_of
from tests.workflows import chain, node


def test_data_that_is_nested_deeply_is_answered(engine):
    webhook = node("Hook", "webhook", {"path": "deep", "responseMode": "lastNode"}, 2)
    source = "let at = {}; const json = at; for (let i = 0; i < 400; i++) at = at.a = {}; return [{ json }]"
    outcome = engine.run(chain(webhook, node("Code", "code", {"jsCode": source}, 2)), items=[{"json": {}}])
    answer = answer_of(AnsweringNode(webhook), outcome)
    assert answer is not None
    assert json.dumps(json.loads(answer)["body"]).count("{") == 401
