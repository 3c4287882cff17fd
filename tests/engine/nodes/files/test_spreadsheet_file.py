"""Spreadsheet File reads and writes what n8n's does; the values are what a real one gave."""

import base64
from typing import Any

import pytest

from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, code, node

GIVE = code(
    "return items.map(({ json }) => ({ json: {}, binary: { data: { data: btoa(json.text), mimeType: json.type } } }))"
)
TABLE = "<table><tr><td>a</td><td>b</td></tr><tr><td>1,000</td><td>10%</td></tr></table>"


def read(engine: Engine, version: float, parameters: dict[str, Any], text: str, mime_type: str) -> list[Any]:
    reading = node("Sheet", "spreadsheetFile", parameters, version)
    outcome = engine.run(chain(START, GIVE, reading), items=[{"json": {"text": text, "type": mime_type}}])
    return output_of(outcome, "Sheet")


@pytest.mark.parametrize(
    ("version", "parameters", "text", "mime_type", "rows"),
    [
        (2, {}, "a,b\n1,x\n,\n", "text/csv", [{"a": "1", "b": "x"}, {}]),
        (2, {"options": {"delimiter": ";"}}, "a;b\n1;2\n", "text/csv", [{"a;b": "1;2"}]),
        (2, {"fileFormat": "csv", "options": {"delimiter": ";"}}, "a;b\n1;2\n", "x/y", [{"a": "1", "b": "2"}]),
        (2, {"fileFormat": "csv", "options": {"headerRow": False}}, "a,b\n", "x/y", [{"row": {"0": "a", "1": "b"}}]),
        (2, {}, "a,b\n1,25%\n", "text/plain", [{"a": 1, "b": 0.25}]),
        (1, {}, "a,b\n1,25%\n", "text/csv", [{"a": 1, "b": 0.25}]),
        (1, {"options": {"headerRow": False}}, TABLE, "text/html", [{"row": ["a", "b"]}, {"row": [1000, 0.1]}]),
        (2, {"options": {"rawData": True}}, TABLE, "text/html", [{"a": "1,000", "b": "10%"}]),
    ],
)
def test_what_is_read(
    engine: Engine, version: float, parameters: dict[str, Any], text: str, mime_type: str, rows: list[Any]
) -> None:
    assert read(engine, version, parameters, text, mime_type) == rows


@pytest.mark.parametrize(
    ("parameters", "name", "begins"),
    [
        ({}, "spreadsheet.xls", b"\xd0\xcf\x11\xe0"),
        ({"fileFormat": "xlsx", "options": {"fileName": "r.xlsx"}}, "r.xlsx", b"PK\x03\x04"),
        ({"fileFormat": "csv", "options": {"delimiter": ";"}}, "spreadsheet.csv", "\ufeffa,b.c,d\n1,2,\n2,,x".encode()),
        ({"fileFormat": "rtf"}, "spreadsheet.rtf", b"{\\rtf1\\ansi"),
    ],
)
def test_what_is_written(engine: Engine, parameters: dict[str, Any], name: str, begins: bytes) -> None:
    writing = node("Sheet", "spreadsheetFile", {"operation": "toFile", **parameters}, 2)
    rows = [{"json": {"a": 1, "b": {"c": 2}}}, {"json": {"a": 2, "d": "x"}}]
    outcome = engine.run(chain(START, writing), items=rows)
    [item] = outcome.data["resultData"]["runData"]["Sheet"][0]["data"]["main"][0]
    file = item["binary"]["data"]
    assert file["fileName"] == name
    assert base64.b64decode(file["data"]).startswith(begins)
    assert item["pairedItem"] == [{"item": 0}, {"item": 1}]
