"""Files that are made to hurt: each is refused with a sentence that names the bound, and nothing else suffers."""

import base64
from contextlib import closing
from typing import Any

import pytest

from app.engine.nodes.files import library_calls, pdf, spreadsheets
from tests.archives import zipped
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, code, node

GIVE = code(
    "return items.map(({ json: { file } }) => ({ json: {}, binary: { data: { data: file, mimeType: 'x/y' } } }))"
)
FORMATS = "http://schemas.openxmlformats.org"
MAIN, PARTS = "spreadsheetml.sheet.main+xml", "spreadsheetml.worksheet+xml"
RELATIONS = f"{FORMATS}/officeDocument/2006/relationships"


def relation(kind: str, target: str) -> str:
    entry = f'<Relationship Id="r1" Type="{RELATIONS}/{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{FORMATS}/package/2006/relationships">{entry}</Relationships>'


def part(name: str, kind: str) -> str:
    return f'<Override PartName="/xl/{name}" ContentType="application/vnd.openxmlformats-officedocument.{kind}"/>'


WORKBOOK = {
    "[Content_Types].xml": f'<Types xmlns="{FORMATS}/package/2006/content-types">'
    f"{part('workbook.xml', MAIN)}{part('s.xml', PARTS)}</Types>",
    "_rels/.rels": relation("officeDocument", "xl/workbook.xml"),
    "xl/workbook.xml": f'<workbook xmlns="{FORMATS}/spreadsheetml/2006/main" xmlns:r="{RELATIONS}">'
    '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": relation("worksheet", "s.xml"),
}


def workbook(sheet: str) -> bytes:
    return zipped({**WORKBOOK, "xl/s.xml": f"<worksheet>{sheet}</worksheet>"})


def extract(engine: Engine, content: bytes, operation: str, options: dict[str, Any] | None = None) -> Any:
    given = base64.b64encode(content).decode()
    extracting = node("Extract", "extractFromFile", {"operation": operation, "options": options or {}}, 1.1)
    return engine.run(chain(START, GIVE, extracting), items=[{"json": {"file": given}}])


def refusal(outcome: Any) -> str:
    assert (outcome.status, outcome.error.node) == ("error", "Extract")
    return outcome.error.message


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(engine: Engine) -> None:
    bomb = zipped({"xl/workbook.xml": "<" * (library_calls.MAX_UNPACKED + 1)})
    assert len(bomb) < 200_000
    most = library_calls.MAX_UNPACKED
    said = refusal(extract(engine, bomb, "xlsx"))
    assert said == f"The file unpacks to {most + 1:,} bytes; at most {most:,} are read"


def test_an_archive_of_too_many_files_is_not_looked_through(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_calls, "MAX_ENTRIES", 5)
    outcome = extract(engine, workbook("<sheetData/>") + b"PK\1\2", "xlsx")
    assert "holds more than 5 files" in refusal(outcome)


def test_a_file_that_is_too_large_is_not_read(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_calls, "MAX_BYTES", 1_000)
    for operation in ("html", "pdf"):
        said = refusal(extract(engine, b"x" * 1_001, operation))
        assert said == "The file has 1,001 bytes; at most 1,000 are read"


ROWS = '<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>'


def test_a_sheet_may_say_that_it_spans_more_than_there_is(engine: Engine) -> None:
    vast = workbook(f'<dimension ref="A1:XFD1048576"/><sheetData>{ROWS}</sheetData>')
    outcome = extract(engine, vast, "xlsx", {"headerRow": False, "includeEmptyCells": True})
    assert output_of(outcome, "Extract") == [{"row": [1]}, {"row": [2]}]


@pytest.mark.parametrize(
    ("sheet", "options"),
    [
        (ROWS, {"range": "A1:XFD1048576"}),
        (f'{ROWS}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', {}),
    ],
    ids=["the range that was asked for", "a cell far away"],
)
def test_a_sheet_that_spans_too_much_is_refused(engine: Engine, sheet: str, options: dict[str, Any]) -> None:
    said = refusal(extract(engine, workbook(f"<sheetData>{sheet}</sheetData>"), "xlsx", options))
    assert said == f"The sheet spans 17179869184 cells; at most {spreadsheets.MAX_CELLS} are read"


def test_what_needs_too_much_memory_ends_its_own_process_only() -> None:
    rows = "<tr><td>1</td></tr>" * 300_000
    with closing(Engine(memory_mb=64, spares=0)) as small:
        assert refusal(extract(small, f"<table>{rows}</table>".encode(), "html")) == (
            "The file needs more memory to be read or written than there is for one; EXECUTIONS_SANDBOX_MEMORY_MB sets "
            "how much that is"
        )
        assert output_of(extract(small, b"<table><tr><td>a<tr><td>1</table>", "html"), "Extract") == [{"a": 1}]


def test_more_pages_than_are_read_are_asked_to_be_fewer(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PAGES", 1)
    pages = b"""%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R 3 0 R] /Count 2 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >> endobj
trailer << /Root 1 0 R >>
"""
    assert refusal(extract(engine, pages, "pdf")) == "The file has 2 pages; at most 1 are read: set Max Pages"
    assert output_of(extract(engine, pages, "pdf", {"maxPages": 1}), "Extract")[0]["numpages"] == 2


def test_a_sheet_that_would_have_too_many_cells_is_not_written(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_CELLS", 3)
    written = chain(START, node("Write", "convertToFile", {"operation": "xlsx"}, 1.1))
    outcome = engine.run(written, items=[{"json": {"a": 1, "b": 2}}, {"json": {"a": 3, "b": 4}}])
    assert outcome.error is not None
    assert outcome.error.message == "The sheet has 4 cells; at most 3 are written"


def test_spaces_that_a_cell_only_counts_are_too_long_for_a_text(engine: Engine) -> None:
    """A sheet of OpenDocument says how many spaces there are."""
    cell = '<table:table-cell office:value-type="string"><text:p>a<text:s text:c="1000000000"/></text:p>'
    row = f"<table:table-row>{cell}</table:table-cell></table:table-row>"
    names = " ".join(f'xmlns:{name}="{name}"' for name in ("office", "table", "text"))
    body = f'<office:body><office:spreadsheet><table:table table:name="S">{row}</table:table></office:spreadsheet>'
    content = f'<?xml version="1.0"?><office:document-content {names}>{body}</office:body></office:document-content>'
    entry = '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    files = {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="m">{entry}</manifest:manifest>',
        "styles.xml": "<x/>",
        "content.xml": content,
    }
    assert refusal(extract(engine, zipped(files), "ods")) == "What is made of it is too long for one text"


def test_json_that_is_nested_too_deeply_is_said_to_be(engine: Engine) -> None:
    """JavaScript reads it without a complaint."""
    for deep in (b"[" * 2_000 + b"]" * 2_000, b"[" * 200_000 + b"0," * 300_000 + b"0" + b"]" * 200_000):
        assert refusal(extract(engine, deep, "fromJson")).startswith("The JSON is nested too deeply")


@pytest.mark.parametrize("given", [[], {}, ["A2"]])
def test_a_range_that_is_none_is_refused(engine: Engine, given: Any) -> None:
    said = refusal(extract(engine, workbook("<sheetData/>"), "xlsx", {"range": given}))
    assert said == "The range has to be a text such as A2:C9, or a number"


def test_a_sheet_is_looked_for_by_the_text_of_its_name(engine: Engine) -> None:
    said = refusal(extract(engine, workbook("<sheetData/>"), "xlsx", {"sheetName": ["T", 5]}))
    assert said == 'Spreadsheet does not contain sheet called "T,5"!'
