"""A table with a column of each type."""

import pytest

from tests.api.data_tables.asking import COLUMNS


@pytest.fixture
def table(api) -> str:
    return api.post("/data-tables", {"name": "Things", "columns": COLUMNS}).json["id"]
