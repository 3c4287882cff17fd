"""Extract From File keeps of an item what n8n keeps: its other files, and what the option `keepSource` asks for."""

import base64
from typing import Any

import pytest

from tests.engine.running import Engine
from tests.workflows import START, chain, node

PDF = """%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 9 9]>> endobj
trailer <</Root 1 0 R>>
"""
CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nEND:VCALENDAR\r\n"
TEXTS = {"text": "a", "xml": "<a/>", "fromJson": "{}", "binaryToPropery": "a", "fromIcs": CALENDAR, "pdf": PDF}


def file(text: str) -> dict[str, str]:
    return {"data": base64.b64encode(text.encode()).decode(), "mimeType": "x/y"}


def read(engine: Engine, operation: str, item: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    reading = node("Read", "extractFromFile", {"operation": operation, "options": options}, 1.1)
    outcome = engine.run(chain(START, reading), items=[item])
    [[made]] = outcome.data["resultData"]["runData"]["Read"][0]["data"]["main"]
    kept: dict[str, Any] = made
    return kept


@pytest.mark.parametrize("operation", TEXTS)
def test_other_files_stay(engine: Engine, operation: str) -> None:
    given = {"json": {"own": 1}, "binary": {"data": file(TEXTS[operation]), "other": file("x")}}
    made = read(engine, operation, given, {})
    assert ("own" in made["json"], list(made["binary"])) == (False, ["other"])
    made = read(engine, operation, given, {"keepSource": "both"})
    assert ("own" in made["json"], list(made["binary"])) == (True, ["data", "other"])


@pytest.mark.parametrize(
    ("keep", "own", "files"),
    [("", False, []), ("json", True, []), ("binary", False, ["data"]), ("other", True, [])],
)
def test_what_the_option_keeps(engine: Engine, keep: str, own: bool, files: list[str]) -> None:
    made = read(engine, "text", {"json": {"own": 1}, "binary": {"data": file("a")}}, {"keepSource": keep})
    assert ("own" in made["json"], list(made["binary"])) == (own, files)


def test_rows_have_no_files(engine: Engine) -> None:
    given = {"json": {"own": 1}, "binary": {"data": file("a\n1\n"), "other": file("x")}}
    made = read(engine, "csv", given, {"keepSource": "both"})
    assert (made["json"], "binary" in made) == ({"a": "1"}, False)
