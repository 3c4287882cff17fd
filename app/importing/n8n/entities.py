"""Reads the ZIP file of n8n's `export:entities`: a file an entity, each line of it encrypted rows."""

import zipfile
import zlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from app.credentials.n8n import InstanceKey, WrongKey
from app.importing.n8n.files_of_runs import RunFiles
from app.importing.n8n.progress import Progress
from app.importing.n8n.rows import Row, read_json
from app.importing.n8n.source import SourceError
from app.importing.n8n.spool import Spool

TABLES = {
    "annotationtagentity": "annotation_tag_entity",
    "annotationtagmapping": "execution_annotation_tags",
    "credentialsentity": "credentials_entity",
    "datatable": "data_table",
    "datatablecolumn": "data_table_column",
    "deploymentkey": "deployment_key",
    "executionannotation": "execution_annotations",
    "executiondata": "execution_data",
    "executionentity": "execution_entity",
    "executionmetadata": "execution_metadata",
    "folder": "folder",
    "installedpackages": "installed_packages",
    "migrations": "migrations",
    "processeddata": "processed_data",
    "project": "project",
    "sharedcredentials": "shared_credentials",
    "sharedworkflow": "shared_workflow",
    "tagentity": "tag_entity",
    "userapikeys": "user_api_keys",
    "variables": "variables",
    "workflowentity": "workflow_entity",
    "workflowhistory": "workflow_history",
    "workflowpublishhistory": "workflow_publish_history",
    "workflows_tags": "workflows_tags",
    "workflowtagmapping": "workflows_tags",
}
"""n8n's tables by the names of the files."""

ROWS_OF_TABLES = "data_table_user_"
MAX_LINE_LENGTH = 512 * 2**20
MAX_COMPRESSION = 4
"""Times: what is encrypted and in base64 does not become smaller than three quarters."""


class EntitiesSource(Spool):
    """The ZIP file, unpacked row by row. Raises SourceError when it is none, or the key does not open it."""

    def __init__(self, path: Path, key: str | None, files: RunFiles, progress: Progress) -> None:
        if key is None:
            raise SourceError(
                f"{path} is encrypted with n8n's encryption key (or with the file that was named with --keyFile when "
                "it was made): name the file that holds it with --encryption-key-file"
            )
        super().__init__(files)
        self._key_fits = False
        self._progress = progress
        self.name = f"n8n's export {path}"
        try:
            with zipfile.ZipFile(path) as archive:
                self._read(archive, InstanceKey(key), path.stat().st_size)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            self.close()
            raise SourceError(f"{path} cannot be read as an export of n8n: {error}") from error
        except SourceError:
            self.close()
            raise

    def rows(self, table: str) -> Iterator[Row]:
        """See `Source.rows`. Files of data tables may be named in lower case."""
        own = super().rows(table)
        first = next(own, None)
        if first is not None:
            yield first
            yield from own
        elif table.startswith(ROWS_OF_TABLES) and table != table.lower():  # its file may be named so
            yield from super().rows(table.lower())

    def _read(self, archive: zipfile.ZipFile, key: InstanceKey, size: int) -> None:
        if sum(packed.compress_size for packed in archive.infolist()) > size:
            raise SourceError("the ZIP file names more than it holds: it is not what n8n has written")
        for name in archive.namelist():
            entity = Path(name).name.removesuffix(".jsonl").split(".")[0]
            table = entity if entity.startswith(ROWS_OF_TABLES) else TABLES.get(entity.lower())
            if table is not None and name.endswith(".jsonl"):
                self._progress.begin(f"rows of {table} unpacked")
                for row in self._rows(archive, name, key):
                    self.add(table, row)
                    self._progress.add()
        if not any(self.rows("workflow_entity")) and not any(self.rows("migrations")):
            raise SourceError("the ZIP file holds no workflows: it is not what `n8n export:entities` makes")

    def _rows(self, archive: zipfile.ZipFile, name: str, key: InstanceKey) -> Iterator[Any]:
        """The rows of a file; those that are damaged are passed over, once another line has proved the key."""
        packed = archive.getinfo(name)
        if packed.file_size > 2**20 and packed.file_size > MAX_COMPRESSION * packed.compress_size:
            raise SourceError(f"{name} is packed tighter than what n8n encrypts can be: it is not what n8n has written")
        with archive.open(name) as lines:
            for number in count(1):
                line = lines.readline(MAX_LINE_LENGTH)
                if not line:
                    return
                if len(line) == MAX_LINE_LENGTH:
                    raise SourceError(
                        f"line {number} of {name} is longer than {MAX_LINE_LENGTH // 2**20} MiB: "
                        "name n8n's database instead"
                    )
                try:
                    opened = key.decrypt(line.strip().decode()) if line.strip() else ""
                except (WrongKey, ValueError) as error:
                    if not self._key_fits:
                        raise SourceError(f"line {number} of {name}: {error}. Is it the key of that n8n?") from None
                    self.remark(f"Line {number} of {name} was passed over, as it is damaged: {error!s:.200}.")
                    continue
                self._key_fits = self._key_fits or bool(opened)
                yield from self._read_rows(name, number, opened)

    def _read_rows(self, name: str, number: int, opened: str) -> Iterator[Any]:
        for row in opened.split("\n"):
            try:
                if row.strip():
                    yield read_json(row)
            except ValueError as error:
                self.remark(f"A row in line {number} of {name} was passed over, as it is damaged: {error!s:.200}.")
