"""Lists show what a run was about: the first fields of its input, short, and no secrets."""

import pytest

from app.credentials.masking import HIDDEN, Mask
from app.engine.run.document import RunDocument
from app.engine.run.preview import MAX_TEXT_LENGTH, preview


def shown(item, *, mask=str, **run):
    first = {"executionIndex": 0, "data": {"main": [None, [{"json": item}, {"json": {"other": 1}}]]}, **run}
    later = {"executionIndex": 1, "data": {"main": [[{"json": {"later": 1}}]]}}
    return preview(RunDocument({"resultData": {"runData": {"B": [later], "A": [first]}}}), mask)


CALL = {"headers": {"host": "h"}, "params": {}, "query": {"page": "2"}, "body": {}}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"id": 7, "name": "Ada", "paid": True, "price": 1.5}, {"id": 7, "name": "Ada", "paid": True, "price": 1.5}),
        ({"order": {"id": 7, "lines": [1]}, "none": None}, {"order.id": 7}),
        ({f"f{n}": n for n in range(99)}, {f"f{n}": n for n in range(6)}),
        ({"list": [1]} | {f"o{n}": {} for n in range(9)}, None),
        ({"deep": {"deeper": {"deepest": 1}}, "big": 2**80}, None),
        ({"userPassword": "x", "API_KEY": "y", "auth": {"token": "z"}, "id": 1}, {"id": 1}),
        ({"text": "é" * 100}, {"text": "é" * (MAX_TEXT_LENGTH - 1) + "…"}),
        ({"k" * 50: 1}, {"k" * 39 + "…": 1}),
        ({**CALL, "body": {"order": 7}}, {"order": 7}),
        (CALL, {"page": "2"}),
        ({**CALL, "query": {}}, None),
        ({**CALL, "more": 1}, {"headers.host": "h", "query.page": "2", "more": 1}),
        ({}, None),
        ("text", None),
        (None, None),
    ],
)
def test_the_first_fields(item, expected) -> None:
    assert shown(item) == expected


def test_a_secret_is_hidden_before_its_text_is_cut() -> None:
    secret = "s3cret-" * 20
    assert shown({"note": f"it is {secret}", "short": "pin"}, mask=Mask([secret, "pin"]).text) == {
        "note": f"it is {HIDDEN}",
        "short": HIDDEN,
    }


@pytest.mark.parametrize("data", [None, {}, {"main": []}, {"main": [None]}, {"main": [[]]}, {"main": [[3]]}])
def test_a_first_node_without_items(data) -> None:
    assert shown({}, data=data) is None
