"""What a hostile program answers is judged by the worker: kinds, shapes and sizes."""

import asyncio
from typing import Any

import pytest

from app.engine.sandbox import Sandbox, SandboxError
from tests.engine.sandbox.conftest import SCOPE
from tests.workflows import START, chain, node


def test_the_bounds_of_custom_data_are_kept_outside_of_the_program(engine):
    source = """
      const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`${i}`.repeat(99), 'x'.repeat(2000)]));
      Object.prototype.toJSON = function () { return 'console' in this ? { returned: [], customData: MADE } : this };
      return [];"""
    for made, kept in [
        ("many", {f"{i}" * 50: "x" * 512 for i in range(10)}),
        ("{ a: { b: 1 }, c: [1], d: null, e: 1, f: true, g: '' }", {"e": "1", "f": "true", "g": ""}),
        ("[1]", None),
    ]:
        scope: dict[str, Any] = {**SCOPE}
        engine.wait_for(engine.sandbox.run_code(source.replace("MADE", made), scope))
        assert scope.get("customData") == kept


def test_static_data_that_cannot_be_kept_is_told(engine):
    source = "let at = $getWorkflowStaticData('global'); for (let i = 0; i < 500; i++) at = at.a = {}; return []"
    with pytest.raises(SandboxError, match="static data"):
        engine.wait_for(engine.sandbox.run_code(source, {**SCOPE}))


def test_an_answer_has_a_size():
    async def ask_for_too_much() -> None:
        async with Sandbox(expression_timeout=60) as sandbox:  # so much is not written within seconds on a busy machine
            with pytest.raises(SandboxError, match="64 MiB"):
                await sandbox.evaluate(["={{ 'x'.repeat(7e7) }}"], SCOPE)
            with pytest.raises(SandboxError, match="64 MiB"):
                await sandbox.run_code("return { a: 'é'.repeat(4e7) }", SCOPE)

    asyncio.run(ask_for_too_much())


@pytest.mark.parametrize(
    "change",
    [
        "items.map = () => [{ place: 'x' }]",
        "Array.prototype.map = () => [{ json: {} }]",
        "Array.prototype.map = () => [{ json: { place: 5 } }]",
    ],
)
def test_sort_code_that_changes_the_list_fails_the_node(change, engine):
    sort = node("Sort", "sort", {"type": "code", "code": f"{change}; return 0"})
    outcome = engine.run(chain(START, sort), items=[{"json": {"a": 2}}, {"json": {"a": 1}}])
    assert outcome.status in ("success", "error")


def test_a_function_that_returns_past_its_own_end_fails_the_node(engine):
    function = node("Function", "function", {"functionCode": "})(); return []; await (async () => {"})
    outcome = engine.run(chain(START, function))
    assert outcome.status == "error"
    assert outcome.error.message.startswith("Unexpected token")
