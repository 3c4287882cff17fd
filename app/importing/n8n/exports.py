"""Reads the JSON files of n8n's `export:workflow` and `export:credentials`, one or several."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.importing.n8n.files_of_runs import RunFiles
from app.importing.n8n.progress import Progress
from app.importing.n8n.rows import read_json
from app.importing.n8n.source import SourceError
from app.importing.n8n.spool import Spool
from app.importing.whole_files import read_whole


class ExportedFiles(Spool):
    """Files that hold a workflow or a credential, or a list of them.

    Raises SourceError for a file that cannot be read, and where there is neither in any of them.
    """

    def __init__(self, paths: Sequence[Path], files: RunFiles, progress: Progress) -> None:
        super().__init__(files)
        self.name = "files: " + ", ".join(map(str, paths))
        self._is_empty = True
        try:
            progress.begin("files read", len(paths))
            for path in paths:
                self._read(path)
                progress.add()
            if self._is_empty and self.remarks:
                raise SourceError(self.remarks[0])
        except SourceError:
            self.close()
            raise

    def _read(self, path: Path) -> None:
        try:
            content = read_json(read_whole(path))
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise SourceError(f"{path} is not JSON: {error}") from None
        for entry in content if isinstance(content, list) else [content]:
            self._add(path, entry)

    def _add(self, path: Path, entry: Any) -> None:
        if isinstance(entry, dict) and "nodes" in entry and "connections" in entry:
            self._add_workflow(path, entry)
        elif isinstance(entry, dict) and "type" in entry and "data" in entry and "id" in entry:
            self.add("credentials_entity", entry)
            self._is_empty = False
        else:
            self.remark(f"{path} holds something that is neither a workflow nor a credential of n8n")

    def _add_workflow(self, path: Path, entry: dict[str, Any]) -> None:
        if not entry.get("id"):
            self.remark(
                f"{path} holds a workflow without an id, {str(entry.get('name'))!r:.100}: it would come again each "
                "time. `flask import FILE` stores it under a new one."
            )
            return
        self.add("workflow_entity", entry)
        self._is_empty = False
        for tag in _list(entry.get("tags")):
            if isinstance(tag, dict) and tag.get("id") and tag.get("name"):
                self.add("tag_entity", tag)
                self.add("workflows_tags", {"workflowId": entry["id"], "tagId": tag["id"]})
        for shared in _list(entry.get("shared")):
            if isinstance(shared, dict) and shared.get("projectId"):
                self.add("shared_workflow", {"workflowId": entry["id"], **shared})
                if isinstance(shared.get("project"), dict):
                    self.add("project", {"id": shared["projectId"], **shared["project"]})


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
