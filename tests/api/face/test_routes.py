"""Addresses are what Werkzeug's own rules make of them, and cost nothing until one is wanted."""

import pytest
from flask import Flask
from werkzeug.routing import Map, Rule

from app.api.face.routes import Route
from app.web import add_endpoints

VALUES = {"id": "a/b c", "n": 7, "self": "x", "rule": "y", "more": ["1", "2"]}


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rules whose code has been compiled."""
    own, seen = Rule._compile_builder, []
    monkeypatch.setattr(Rule, "_compile_builder", lambda rule, *more: seen.append(rule.rule) or own(rule, *more))
    return seen


@pytest.mark.parametrize("path", ["/", "/things/<id>", "/things/<id>/<int:n>", "/<path:id>/end", "/<self>/<rule>"])
def test_an_address_is_that_of_a_plain_rule(path: str, compiled: list[str]) -> None:
    plain, late = (Map([kind(path, endpoint="it")]).bind("host") for kind in (Rule, Route))
    del compiled[:]
    assert late.build("it", VALUES) == late.build("it", VALUES) == plain.build("it", VALUES)
    assert compiled == [path]


def test_an_application_is_made_without_compiling_any(compiled: list[str]) -> None:
    app = Flask("bare", static_folder=None)
    add_endpoints(app)
    assert compiled == []
    assert len(list(app.url_map.iter_rules())) > 100
