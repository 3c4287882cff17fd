"""PDF files with options that n8n does not take; what it does right is recorded in tests/conformance."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.running import Engine, output_of
from tests.workflows import chain, node

RECORDED = Path(__file__).parents[3] / "conformance" / "recorded" / "files-pdf-password.json"
"""Its file has two pages, and the password 1234."""


def read(engine: Engine, **options: Any) -> Any:
    recorded = json.loads(RECORDED.read_text())["workflow"]
    start, file = recorded["nodes"][:2]
    extract = node("Extract", "extractFromFile", {"operation": "pdf", "options": {"joinPages": False, **options}})
    document = chain(start, file, extract, pinData=recorded["pinData"])
    outcome = engine.run(document, mode="test", start_node="Start")
    return output_of(outcome, "Extract")[0].get("text")


@pytest.mark.parametrize("password", [1234, "={{ 1234 }}"])
def test_a_password_may_be_a_number(engine: Engine, password: Any) -> None:
    assert read(engine, password=password) == ["First", "Second"]


@pytest.mark.parametrize("pages", [0, "0"])
def test_no_limit_of_pages_reads_all(engine: Engine, pages: Any) -> None:
    assert read(engine, password="1234", maxPages=pages) == ["First", "Second"]
