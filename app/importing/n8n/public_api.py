"""Reads an n8n over its public API: what no database or export is needed for, without secrets and files."""

import re
from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from app.importing.n8n.files_of_runs import RunFiles
from app.importing.n8n.large_pages import LargePage
from app.importing.n8n.rows import Row, read_json
from app.importing.n8n.source import SourceError
from app.importing.n8n.spool import Spool

ID = re.compile(rb'"id"\s*:\s*"?(\d{1,18})')
FAR = 1_000
"""How far into an execution its id may stand, which n8n gives first."""

PAGE = 100
PAGE_OF_DATA = 20
"""Executions whose data comes on one page."""
ATTEMPTS = 5
MAX_WAIT = 30.0
"""Seconds between two attempts."""
SECONDS = 60.0


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
        self.name = name_of(url)
        if not key.isascii() or not key.isprintable():
            raise SourceError("The API key holds what no key of n8n's does: is it the right file?")
        super().__init__(files)
        base = url.rstrip("/").removesuffix("/api/v1") + "/api/v1"
        self._client = httpx.Client(base_url=base, headers={"X-N8N-API-KEY": key}, timeout=SECONDS)
        self._was_reached = False
        try:
            self._read_small()
            if executions:
                self._read_executions(above, unfinished)
        except SourceError:
            self.close()
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self.close()
            raise SourceError(f"{self.name} answers what n8n does not: {error!r:.200}") from error

    def close(self) -> None:
        self._client.close()
        super().close()

    def _read_small(self) -> None:
        for row in self._pages("/workflows"):
            self.add("workflow_entity", row)
            self.add("workflow_history", _version(row, row))
            published = row.get("activeVersion")
            if isinstance(published, dict) and published.get("versionId") != row.get("versionId"):
                self.add("workflow_history", _version(row, published))
            for tag in row.get("tags") or ():
                self.add("workflows_tags", {"workflowId": row["id"], "tagId": tag["id"]})
            for shared in row.get("shared") or ():
                self.add("shared_workflow", shared)
        for row in self._pages("/tags"):
            self.add("tag_entity", row)
        for row in self._pages("/variables", optional=True):
            self.add("variables", row)
        for row in self._pages("/projects", optional=True):
            self.add("project", row)
        for row in self._pages("/data-tables", optional=True):
            self._read_data_table(row)

    def _read_data_table(self, row: Row) -> None:
        self.add("data_table", row)
        for index, column in enumerate(row.get("columns") or ()):
            self.add("data_table_column", {"index": index, "dataTableId": row["id"], **column})
        for values in self._pages(f"/data-tables/{quote(str(row['id']), safe='')}/rows", optional=True):
            self.add(f"data_table_user_{row['id']}", values)

    def _read_executions(self, above: int, unfinished: Sequence[int]) -> None:
        """Newest first, as n8n lists them, until those come that are known; and what runs, which is in no such list."""
        for row in self._pages("/executions", optional=True, status="running"):
            self._add_execution(row)
        for execution_id in unfinished:
            self._read_again(execution_id)
        for row in self._pages_of_data():
            if int(row["id"]) <= above:
                break
            self._add_execution(row)
        for row in self._pages_of_data(status="waiting"):
            self._add_execution(row)

    def _read_again(self, execution_id: int) -> None:
        """One that had not ended, or was too large; nothing, where it is gone."""
        path = f"/executions/{execution_id}"
        with TemporaryFile() as file:
            response = self._get(path, {"includeData": "true"}, file)
            if response.status_code == 404:
                return
            if response.status_code != 200:
                self._page(path, response)  # says what is wrong
            size = file.tell()
            if size <= self._files.most_bytes:
                file.seek(0)
                self._add_execution(read_json(file.read()))
                return
        self._add_execution(self._without_data(execution_id, size))

    def _without_data(self, execution_id: int, size: int) -> Row:
        """An execution of more bytes than are brought."""
        path = f"/executions/{execution_id}"
        return {**self._page(path, self._get(path, {})), "data": None, "flatted_bytes": size}

    def _add_execution(self, row: Row) -> None:
        data = {"executionId": row["id"], "workflowData": row.pop("workflowData", None)}
        data["flatted_bytes"] = row.pop("flatted_bytes", None)
        document, custom = row.pop("data", None), row.pop("customData", None)
        if isinstance(document, dict):
            data["document"] = document
        self.add("execution_entity", row)
        self.add("execution_data", data)
        for key, value in (custom or {}).items():
            self.add("execution_metadata", {"executionId": row["id"], "key": key, "value": value})

    def _pages_of_data(self, **query: str) -> Iterator[Row]:
        """The executions of a list with their data. A page lies on disk: there may be megabytes in each of them."""
        path, cursor = "/executions", None
        while True:
            parameters = {"limit": str(PAGE_OF_DATA), "includeData": "true", **query}
            with TemporaryFile() as file:
                response = self._get(path, parameters | ({"cursor": cursor} if cursor else {}), file)
                if response.status_code != 200:
                    self._page(path, response)  # says what is wrong
                page = LargePage(file)
                for text in page.executions():
                    if len(text) <= self._files.most_bytes:
                        yield read_json(text)
                    elif (named := ID.search(text, 0, FAR)) is not None:
                        yield self._without_data(int(named[1]), len(text))
            cursor = page.cursor
            if cursor is None:
                return

    def _pages(self, path: str, *, optional: bool = False, limit: int = PAGE, **query: str) -> Iterator[Row]:
        """The rows of a list; none where `optional` and this n8n does not give them (404, 403
        without a licence, 400 for a status that it does not know)."""
        cursor = None
        while True:
            parameters = {"limit": str(limit), **query, **({"cursor": cursor} if cursor else {})}
            response = self._get(path, parameters)
            if optional and response.status_code in (400, 403, 404):
                return
            page = self._page(path, response)
            yield from page.get("data") or ()
            cursor = page.get("nextCursor")
            if not cursor:
                return

    def _get(self, path: str, parameters: dict[str, str], file: BinaryIO | None = None) -> httpx.Response:
        """The answer; with `file`, the body of a 200 is written into that."""
        waiting = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(max=MAX_WAIT),
            retry=retry_if_exception(self._may_pass),
            reraise=True,
        )
        try:
            return waiting(self._ask, path, parameters, file)
        except (httpx.HTTPError, Overloaded) as error:
            raise SourceError(f"{self.name} does not answer: {error}") from error

    def _may_pass(self, error: BaseException) -> bool:
        """Whether to ask again is of use. Where nobody has ever been reached, the address is wrong."""
        if isinstance(error, httpx.ConnectError):
            return self._was_reached
        return isinstance(error, httpx.TransportError | Overloaded)

    def _ask(self, path: str, parameters: dict[str, str], file: BinaryIO | None) -> httpx.Response:
        with self._client.stream("GET", path, params=parameters) as response:
            self._was_reached = True
            if response.status_code in (429, 502, 503, 504):
                raise Overloaded(f"{path} answers {response.status_code}")
            if file is None or response.status_code != 200:
                response.read()
                return response
            file.seek(0)
            file.truncate()
            for part in response.iter_bytes():
                file.write(part)
            return response

    def _page(self, path: str, response: httpx.Response) -> dict[str, Any]:
        if response.status_code in (401, 403):
            raise SourceError(
                f"{self.name} answers {response.status_code} to {path}: give a key that may list workflows, tags and "
                "executions, in N8N_API_KEY or with --api-key-file"
            )
        try:
            page = read_json(response.content) if response.status_code == 200 else None
        except ValueError:
            page = None
        if not isinstance(page, dict):
            raise SourceError(f"{self.name} answers {response.status_code} to {path}, and not with what n8n answers")
        return page


def name_of(url: str) -> str:
    """What the source is called, without a password. Raises SourceError."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:  # its message may hold the password
        raise SourceError("SOURCE is no address of an n8n. It looks like https://n8n.example.com") from None
    return f"the API of {address.copy_with(userinfo=b'', query=None, fragment=None)}"


class Overloaded(Exception):
    """The server asks to come again later."""


def _version(workflow: Row, version: Row) -> Row:
    """A version of a workflow, as a row of n8n's history."""
    parts = ("versionId", "nodes", "connections", "nodeGroups", "updatedAt")
    created_at = version.get("createdAt") if version is not workflow else version.get("updatedAt")
    return {"workflowId": workflow["id"], "createdAt": created_at, **{name: version.get(name) for name in parts}}
