"""Pages of executions that are read one execution at a time."""

import json
from tempfile import TemporaryFile

import pytest

from app.importing.n8n.history import batches
from app.importing.n8n.large_pages import LargePage
from app.importing.n8n.source import SourceExecution

ODD = {"id": "3", "data": {"a]}": 'a]}["{\\', "data": [[], {}, "\\"]}, "\u00e9": "\u2028"}


def read(text: bytes) -> tuple[list, str | None]:
    with TemporaryFile() as file:
        file.write(text)
        page = LargePage(file)
        return [json.loads(execution) for execution in page.executions()], page.cursor


@pytest.mark.parametrize("cursor", ["abc", None])
@pytest.mark.parametrize("executions", [[], [ODD], [ODD, {"id": 2}, {"id": 1, "tags": [["x"], {}]}]])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_page_gives_its_executions_and_the_next_cursor(executions, cursor, indent):
    page = {"nextCursor": cursor, "data": executions, "other": {"data": [{"id": 9}]}}
    assert read(json.dumps(page, indent=indent).encode()) == (executions, cursor)


@pytest.mark.parametrize(
    "text", [b"", b"text", b"[]", b'"data"', b'{"data": 5}', b'{"other": [{}]}', b'{"data": [{"id": 1}', b'{"data": []']
)
def test_what_is_no_page_is_told(text):
    with pytest.raises(ValueError, match=r"page|empty|JSON|unexpected|Expecting"):
        read(text)


def test_executions_of_megabytes_are_stored_one_by_one():
    large = [SourceExecution({"id": number}, document={}, document_bytes=5 * 2**20) for number in range(3)]
    assert [len(batch) for batch in batches(iter(large))] == [1, 1, 1]
