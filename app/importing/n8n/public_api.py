"""Reads an n8n over its public API: what no database or export is needed for, without secrets and files."""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import quote

from app.importing.n8n.api_client import ApiClient, Cursors, Query, ServerFailed
from app.importing.n8n.files_of_runs import AGAIN, RunFiles
from app.importing.n8n.large_pages import LargePage
from app.importing.n8n.rows import ODD, Row, read_json
from app.importing.n8n.source import SourceError
from app.importing.n8n.spool import Spool

ID = re.compile(rb'"id"\s*:\s*"?(\d{1,18})')
FAR = 1_000
"""How far into an execution its id may stand, which n8n gives first."""

PAGE_OF_DATA = 20
"""Executions whose data comes on one page."""
ATTEMPTS_AT_ONE = 2
"""How often one execution is asked for, on a page that n8n cannot give as a whole."""

EXECUTIONS = "/executions"


class ApiSource(Spool):
    """n8n's public API. Everything is read at once. Raises SourceError.

    `above`: executions up to this id are known already; reading them again is spared, but for `unfinished` ones.
    """

    def __init__(
        self,
        url: str,
        key: str,
        files: RunFiles,
        *,
        above: int = 0,
        unfinished: Sequence[int] = (),
        executions: bool = True,
    ) -> None:
        self._api = ApiClient(url, key)
        super().__init__(files)
        self.name = self._api.name
        try:
            self._read_small()
            if executions:
                self._read_executions(above, unfinished)
        except SourceError:
            self.close()
            raise
        except ODD as error:
            self.close()
            raise SourceError(f"{self.name} answers what n8n does not: {error!r:.200}") from error

    def close(self) -> None:
        self._api.close()
        super().close()

    def _read_small(self) -> None:
        for row in self._api.pages("/workflows"):
            self._apart("workflow", row, self._add_workflow)
        if self.remarks and not any(self.rows("workflow_entity")):
            raise SourceError(f"{self.name} answers what n8n does not. {self.remarks[0]}")
        for row in self._api.pages("/tags"):
            self.add("tag_entity", row)
        for row in self._api.pages("/variables", optional=True):
            self.add("variables", row)
        for row in self._api.pages("/projects", optional=True):
            self.add("project", row)
        for row in self._api.pages("/data-tables", optional=True):
            self._apart("data table", row, self._add_data_table)

    def _apart(self, kind: str, row: Any, add: Callable[[Row], None]) -> None:
        """Add a row, or a remark of what is odd about it: one keeps the others back in no case."""
        try:
            add(row)
        except ODD as error:
            name = (row.get("name") or row.get("id")) if isinstance(row, dict) else row
            self.remark(f"The {kind} {name!r:.100} was passed over: it is none of n8n's ({error!r:.100}).")

    def _add_workflow(self, row: Row) -> None:
        workflow_id, published = row["id"], row.get("activeVersion")
        self.add("workflow_entity", row)
        self.add("workflow_history", _version(row, row))
        if isinstance(published, dict) and published.get("versionId") != row.get("versionId"):
            self.add("workflow_history", _version(row, published))
        for tag in _objects(row.get("tags")):
            self.add("workflows_tags", {"workflowId": workflow_id, "tagId": tag.get("id")})
        for shared in _objects(row.get("shared")):
            self.add("shared_workflow", {"workflowId": workflow_id, **shared})

    def _add_data_table(self, row: Row) -> None:
        table_id = row["id"]
        self.add("data_table", row)
        for index, column in enumerate(_objects(row.get("columns"))):
            self.add("data_table_column", {"index": index, "dataTableId": table_id, **column})
        for values in self._api.pages(f"/data-tables/{quote(str(table_id), safe='')}/rows", optional=True):
            self.add(f"data_table_user_{table_id}", values)

    def _read_executions(self, above: int, unfinished: Sequence[int]) -> None:
        """Newest first, as n8n lists them, until those come that are known; and what runs, which is in no such list."""
        for row in self._api.pages(EXECUTIONS, optional=True, status="running"):
            self._apart("execution", row, self._add_execution)
        for execution_id in unfinished:
            if (execution := self._read_one(execution_id)) is not None:
                self._apart("execution", execution, self._add_execution)
        for row in self._pages_of_data():
            if isinstance(row, dict) and str(row.get("id")).isdecimal() and int(row["id"]) <= above:
                break
            self._apart("execution", row, self._add_execution)
        for row in self._pages_of_data(status="waiting"):
            self._apart("execution", row, self._add_execution)

    def _add_execution(self, row: Row) -> None:
        data = {"executionId": row["id"], "workflowData": row.pop("workflowData", None)}
        for name in ("flatted_bytes", "missing"):
            data[name] = row.pop(name, None)
        document, custom = row.pop("data", None), row.pop("customData", None)
        if isinstance(document, dict):
            data["document"] = document
        self.add("execution_entity", row)
        self.add("execution_data", data)
        for key, value in custom.items() if isinstance(custom, dict) else ():
            self.add("execution_metadata", {"executionId": row["id"], "key": key, "value": value})

    def _pages_of_data(self, **query: str) -> Iterator[Any]:
        """The executions of a list with their data. A page lies on disk: there may be megabytes in each of them."""
        cursors = Cursors(self.name, EXECUTIONS)
        while True:
            parameters = {"limit": str(PAGE_OF_DATA), "includeData": "true", **query, **cursors.query()}
            try:
                cursor = yield from self._page_of_data(parameters)
            except ServerFailed:
                cursor = yield from self._one_by_one(parameters)
            if not cursors.goes_on(cursor):
                return

    def _page_of_data(self, query: Query) -> Generator[Any, None, object]:
        """The executions of a page, and at its end the cursor of the next one. Raises ServerFailed."""
        with TemporaryFile() as file:
            response = self._api.get(EXECUTIONS, query, file)
            if response.status_code != 200:
                self._api.read(EXECUTIONS, response)  # says what is wrong
            page = LargePage(file)
            for text in page.executions():
                if len(text) <= self._files.most_bytes:
                    yield read_json(text)
                elif (named := ID.search(text, 0, FAR)) is not None:
                    if (execution := self._without_data(int(named[1]), {"flatted_bytes": len(text)})) is not None:
                        yield execution
                else:
                    self.remark(f"An execution of {len(text)} bytes was passed over: it does not begin with its id.")
        return page.cursor

    def _one_by_one(self, query: Query) -> Generator[Any, None, object]:
        """The same, of a page that n8n cannot give as a whole: it fails at the data of one of them."""
        page = self._api.page(EXECUTIONS, {**query, "includeData": "false"})
        for row in page.get("data") or ():
            text = str(row.get("id")) if isinstance(row, dict) else ""
            execution = self._read_one(int(text)) if text.isdecimal() else row
            if execution is not None:
                yield execution
        return page.get("nextCursor")

    def _read_one(self, execution_id: int) -> Row | None:
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
            if size > self._files.most_bytes:
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


def _objects(value: Any) -> list[Row]:
    """What of a list are objects; none for what is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _version(workflow: Row, version: Row) -> Row:
    """A version of a workflow, as a row of n8n's history."""
    parts = ("versionId", "nodes", "connections", "nodeGroups", "updatedAt")
    created_at = version.get("createdAt") if version is not workflow else version.get("updatedAt")
    return {"workflowId": workflow["id"], "createdAt": created_at, **{name: version.get(name) for name in parts}}
