"""Reads executions with their data over n8n's public API: pages of them, and each alone where a page fails."""

import re
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Any

from app.importing.n8n.api_client import N8nClient, Query, ServerFailed
from app.importing.n8n.files_of_runs import AGAIN
from app.importing.n8n.large_pages import LargePage
from app.importing.n8n.rows import Row, read_json

ID = re.compile(rb'"id"\s*:\s*"?(\d{1,18})')
FAR = 1_000
"""How far into an execution its id may stand, which n8n gives first."""

ATTEMPTS_AT_ONE = 2
"""How often one execution is asked for, on a page that n8n cannot give as a whole."""

EXECUTIONS = "/executions"
GONE = (400, 404, 410)
"""What is answered to a cursor that is not known any more."""


class ApiExecutions:
    """The executions of an n8n, with data of up to `most_bytes` each."""

    def __init__(self, api: N8nClient, most_bytes: int) -> None:
        self._api, self._most_bytes = api, most_bytes

    def read_page(self, query: Query) -> Iterator[Any]:
        """The executions of a page, which lies on disk: there may be megabytes in each. None where the server does not
        know the page any more. Raises ServerFailed."""
        with TemporaryFile() as file:
            response = self._api.get(EXECUTIONS, query, file)
            if response.status_code in GONE:
                return
            if response.status_code != 200:
                self._api.read(EXECUTIONS, response)  # says what is wrong
            for text in LargePage(file).executions():
                if len(text) <= self._most_bytes:
                    yield read_json(text)
                elif (named := ID.search(text, 0, FAR)) is not None:
                    yield self._without_data(int(named[1]), {"flatted_bytes": len(text)})

    def read_one(self, execution_id: int) -> Row | None:
        """An execution; None where it is gone. Without its data where that is too large, or n8n fails at it."""
        path = f"{EXECUTIONS}/{execution_id}"
        with TemporaryFile() as file:
            try:
                response = self._api.get(path, {"includeData": "true"}, file, attempts=ATTEMPTS_AT_ONE)
            except ServerFailed as failure:
                return self._without_data(
                    execution_id, {"missing": f"n8n answers {failure.status} where its data is asked for {AGAIN}"}
                )
            if response.status_code == 404:
                return None
            if response.status_code != 200:
                self._api.read(path, response)  # says what is wrong
            size = file.tell()
            if size > self._most_bytes:
                return self._without_data(execution_id, {"flatted_bytes": size})
            file.seek(0)
            try:
                execution = read_json(file.read())
            except ValueError:
                execution = None
        missing = {"missing": f"its data cannot be read: n8n answers what is no JSON {AGAIN}"}
        return execution if isinstance(execution, dict) else self._without_data(execution_id, missing)

    def _without_data(self, execution_id: int, said: Row) -> Row | None:
        """An execution whose data stays behind; `said` tells why. None where it is gone."""
        path = f"{EXECUTIONS}/{execution_id}"
        response = self._api.get(path, {})
        return None if response.status_code == 404 else {**self._api.read(path, response), "data": None, **said}
