"""Reads an n8n over its public API: what no database or export is needed for, without secrets and files."""

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote

from app.importing.n8n import unlisted_executions
from app.importing.n8n.api_client import Cursors, N8nClient, Query, ServerFailed
from app.importing.n8n.api_executions import EXECUTIONS, ApiExecutions
from app.importing.n8n.files_of_runs import RunFiles
from app.importing.n8n.progress import Progress
from app.importing.n8n.rows import ODD, Row
from app.importing.n8n.source import SourceError, SourceExecution, Wanted
from app.importing.n8n.spool import Spool
from app.schemas.base import OBJECT_ID

PAGE_OF_DATA = 20
"""Executions whose data comes on one page."""
PAGE_OF_IDS = 250
"""Executions that n8n lists on one page at most."""
MOST_COUNTED = 25_000
"""Executions that are counted where only their number is wanted: a hundred pages."""
MAX_DIGITS = 18
NOT_GIVEN = {
    "/variables": "variables do not come",
    "/projects": "everything goes into one project",
    "/data-tables": "data tables do not come",
}
"""What it means that n8n's API refuses a list."""
WHY = {
    400: "(it does not know what it is asked)",
    403: "(its licence or the scopes of the key do not allow it)",
    404: "(it is too old for that)",
}


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of a list: where it begins, of how many executions it is, and their ids, the newest first."""

    cursor: Query
    length: int
    ids: "array[int]"


class ApiSource(Spool):
    """n8n's public API. All but the executions is read at once. Raises SourceError.

    `above`: executions up to this id are known already; reading them again is spared, unless they are named.
    """

    def __init__(
        self,
        api: N8nClient,
        files: RunFiles,
        progress: Progress,
        *,
        above: int = 0,
        wanted: Wanted = Wanted.ALL,
    ) -> None:
        self._api, self._progress = api, progress
        self._executions = ApiExecutions(api, files.most_bytes)
        self._pages: list[ListedPage] = []
        super().__init__(files)
        self.name = self._api.name
        try:
            self._read_small()
            if wanted == Wanted.ALL:
                self._read_executions(above)
            elif wanted == Wanted.NUMBER:
                self._count()
        except SourceError:
            self.close()
            raise
        except ODD as error:
            self.close()
            raise SourceError(f"{self.name} answers what n8n does not: {error!r:.200}") from error

    def close(self) -> None:
        """Close the connections, and the file with what was read."""
        self._api.close()
        super().close()

    def _read_small(self) -> None:
        for row in self._pages_of("/workflows", optional=False):
            self._apart("workflow", row, self._add_workflow)
        if self.remarks and not any(self.rows("workflow_entity")):
            raise SourceError(f"{self.name} answers what n8n does not. {self.remarks[0]}")
        for row in self._pages_of("/tags", optional=False):
            self.add("tag_entity", row)
        for row in self._pages_of("/variables"):
            self.add("variables", row)
        for row in self._pages_of("/projects"):
            self.add("project", row)
        for row in self._pages_of("/data-tables"):
            self._apart("data table", row, self._add_data_table)

    def _pages_of(self, path: str, *, optional: bool = True) -> Iterator[Any]:
        self._progress.begin(f"rows of {path} read")
        for row in self._api.pages(path, optional=optional):
            self._progress.add()
            yield row
        if path in NOT_GIVEN and (status := self._api.refused.get(path)) is not None:
            self.remark(f"n8n's API answers {status} to {path} {WHY[status]}: {NOT_GIVEN[path]}.")

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
        if OBJECT_ID.fullmatch(str(table_id)) is None:  # no address can be made of it
            raise ValueError("its id is longer than what n8n gives, or holds other characters")
        self.add("data_table", row)
        for index, column in enumerate(_objects(row.get("columns"))):
            self.add("data_table_column", {"index": index, "dataTableId": table_id, **column})
        for values in self._pages_of(f"/data-tables/{quote(str(table_id), safe='')}/rows"):
            self.add(f"data_table_user_{table_id}", values)

    def _read_executions(self, above: int) -> None:
        """Read what runs and waits. What has ended is only listed: `executions` reads it, the oldest first, so that
        what it has brought when it is cut short stays."""
        self._progress.begin("executions read that run or wait")
        for row in self._api.pages(EXECUTIONS, optional=True, status="running"):
            self._apart("execution", row, self._add_execution)
            self._progress.add()
        self._pages = list(self._list(PAGE_OF_DATA, above))
        waiting = {"status": "waiting"}
        listed: set[int] = set()
        for page in self._list(PAGE_OF_DATA, query=waiting):
            self._load(page, waiting)
            listed.update(page.ids)
        if EXECUTIONS in self._api.refused:
            self._read_unlisted(above, listed)

    def _read_unlisted(self, above: int, listed: Collection[int]) -> None:
        """Ask an n8n that refuses to list what runs for each execution that may be there; `listed` are read already."""
        self._progress.begin("executions looked for that n8n does not list")
        newest, missed, found = self._pages[0].ids[0] if self._pages else above, 0, 0
        while missed < unlisted_executions.MOST_AHEAD:
            newest += 1
            there = newest in listed or self._read_one(newest)
            missed, found = (0, found + 1) if there else (missed + 1, found)
        between = unlisted_executions.numbers_between((page.ids for page in self._pages), above)
        looked_for = 0
        for number in islice(between, unlisted_executions.MOST_LOOKED_FOR):
            looked_for += 1
            found += number in listed or self._read_one(number)
        self.remark(unlisted_executions.say_what_was_found(found, looked_for))

    def _read_one(self, execution_id: int) -> bool:
        """Read an execution; whether it is there."""
        self._progress.add()
        if (row := self._executions.read_one(execution_id)) is None:
            return False
        self._apart("execution", row, self._add_execution)
        return True

    def count_executions(self) -> int | None:
        """See `Source.count_executions`: those on disk, and those of pages whose ids alone are known."""
        return (super().count_executions() or 0) + sum(len(page.ids) for page in self._pages)

    def tells_gone(self) -> bool:
        """See `Source.tells_gone`: always true."""
        return True

    def named(self, ids: Sequence[int]) -> Iterator[SourceExecution]:
        """See `Source.named`; those that were not read yet are asked for, one by one."""
        for number in sorted(ids):
            there = list(super().named([number]))
            if not there and (row := self._executions.read_one(number)) is not None:
                self._apart("execution", row, self._add_execution)
                there = list(super().named([number]))
                self.drop(number, number)
            yield from there

    def executions(self, above: int) -> Iterator[SourceExecution]:
        """See `Source.executions`; a page is loaded when it is its turn, and dropped afterwards."""
        for page in reversed(self._pages):
            self._load(page)
            yield from self.executions_up_to(page.ids[0], above)
            self.drop(0, page.ids[0])
        yield from super().executions(above)

    def newest(self, workflow_id: str, number: int) -> list[int]:
        """See `Source.newest`; loads the pages that it looks at, with their data."""
        newest: list[int] = []
        query = {"status": "success", "workflowId": workflow_id}
        for page in self._list(min(PAGE_OF_DATA, number), query=query):
            self._load(page, query)
            newest += page.ids[: number - len(newest)]
            if len(newest) == number:
                break
        return newest

    def _count(self) -> None:
        """Count the executions, the newest first, up to a number that is asked for within seconds."""
        for page in self._list(PAGE_OF_IDS):
            self._pages.append(page)
            if (number := self.count_executions() or 0) >= MOST_COUNTED:
                self.remark(
                    f"The newest {number:,} executions were counted; there may be more. n8n's API tells no number, "
                    f"but the newest has the number {self._pages[0].ids[0]}, and there are no more than that."
                )
                return

    def _list(self, length: int, above: int = 0, query: Query | None = None) -> Iterator[ListedPage]:
        """The pages of a list without their data, the newest execution first, until those come that are known."""
        self._progress.begin("executions listed")
        cursors = Cursors(self.name, EXECUTIONS)
        while True:
            cursor = cursors.query()
            page = self._api.page(EXECUTIONS, {"limit": str(length), "includeData": "false", **(query or {}), **cursor})
            rows = page.get("data") or ()
            listed = {execution_id for row in rows if (execution_id := self._id_of(row)) is not None}
            ids = array("q", sorted((each for each in listed if each > above), reverse=True))
            if ids:
                yield ListedPage(cursor, length, ids)
            self._progress.add(len(ids))
            if len(ids) < len(listed) or not cursors.goes_on(page):
                return

    def _id_of(self, row: Any) -> int | None:
        """The id of a row; None, and a remark, where it has none."""
        text = str(row.get("id")) if isinstance(row, dict) else ""
        if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS:
            return int(text)
        self.remark(f"An execution was passed over whose id is none of n8n's: {row!r:.100}")
        return None

    def _load(self, page: ListedPage, query: Query | None = None) -> None:
        """Read the executions of a page with their data. One that is not on it any more is asked for by its id."""
        wanted = {*page.ids}
        try:
            for row in self._executions.read_page(
                {"limit": str(page.length), "includeData": "true", **(query or {}), **page.cursor}
            ):
                if isinstance(row, dict) and (execution_id := self._id_of(row)) in wanted:
                    self._apart("execution", row, self._add_execution)
                    wanted.remove(execution_id)
        except (ServerFailed, ValueError):  # at the data of one of them, or the page is cut off
            pass
        for execution_id in sorted(wanted):
            if (row := self._executions.read_one(execution_id)) is not None:
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


def _objects(value: Any) -> list[Row]:
    """What of a list are objects; none for what is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _version(workflow: Row, version: Row) -> Row:
    """A version of a workflow, as a row of n8n's history."""
    parts = ("versionId", "nodes", "connections", "nodeGroups", "updatedAt")
    created_at = version.get("createdAt") if version is not workflow else version.get("updatedAt")
    return {"workflowId": workflow["id"], "createdAt": created_at, **{name: version.get(name) for name in parts}}
