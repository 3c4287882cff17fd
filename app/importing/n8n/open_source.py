"""Finds out what kind of source an argument names, and opens it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from app.importing.n8n.api_client import N8nClient
from app.importing.n8n.entities import EntitiesSource
from app.importing.n8n.exports import ExportedFiles
from app.importing.n8n.files_of_runs import RunFiles
from app.importing.n8n.postgresql import PostgresqlSource
from app.importing.n8n.progress import Progress, Untold
from app.importing.n8n.public_api import ApiSource
from app.importing.n8n.question_links import ENDPOINT
from app.importing.n8n.source import Source, SourceError, Wanted
from app.importing.n8n.sqlite import SqliteSource
from app.importing.whole_files import read_whole, require_regular

SQLITE_HEADER = b"SQLite format 3\0"
ZIP_HEADERS = (b"PK\x03\x04", b"PK\x05\x06")
"""The second one is of a file with nothing in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What is needed to read a source. `key` is n8n's encryption key, `api_key` one of its API keys,
    `link_secret` what it signs links with where that was set, `waiting_endpoint` the first part of their paths."""

    key: str | None = None
    link_secret: str | None = None
    waiting_endpoint: str = ENDPOINT
    api_key: str | None = None
    storage: Path | None = None
    schema: str = "public"
    prefix: str = ""
    most_bytes: int = 8 * 2**20


def open_source(
    names: Sequence[str],
    access: Access,
    *,
    above: int = 0,
    wanted: Wanted = Wanted.ALL,
    progress: Progress | None = None,
) -> Source:
    """The source that these arguments name: an address, a database file, a ZIP file, or JSON files.

    `above`: executions up to this id are known already. `progress` is told of what is read at once.

    Raises SourceError.
    """
    progress = progress or Untold()
    first = names[0]
    if not all(names):  # as where a variable of the shell is not set
        raise SourceError("SOURCE is empty: name n8n's database, the address of its API, or files that it exported")
    files = RunFiles(access.storage, access.most_bytes)
    if (len(names) == 1 and first.startswith(("postgres://", "postgresql://"))) or "dbname=" in first:
        return PostgresqlSource(first, files, schema=access.schema, prefix=access.prefix)
    if len(names) == 1 and first.startswith(("http://", "https://")):
        if not access.api_key:
            raise SourceError(
                "Reading n8n's API takes one of its keys: set N8N_API_KEY, or name a file with --api-key-file"
            )
        client = N8nClient(first, access.api_key, progress.say)
        return ApiSource(client, files, progress, above=above, wanted=wanted)
    if any("://" in name for name in names):  # which may hold a password
        raise SourceError(
            "SOURCE is an address that is not known: it begins with postgresql://, http:// or https://, and is alone"
        )
    return _open_files([Path(name) for name in names], files, access, progress)


def _open_files(paths: Sequence[Path], files: RunFiles, access: Access, progress: Progress) -> Source:
    if len(paths) == 1:
        header = _header(paths[0])
        if header.startswith(SQLITE_HEADER):
            return SqliteSource(paths[0], files, prefix=access.prefix)
        if header.startswith(ZIP_HEADERS):
            return EntitiesSource(paths[0], access.key, files, progress)
    return ExportedFiles(paths, files, progress)


def _header(path: Path) -> bytes:
    try:
        require_regular(path)
        with path.open("rb") as file:
            return file.read(len(SQLITE_HEADER))
    except IsADirectoryError:
        raise SourceError(
            f"{path} is a folder: name n8n's database.sqlite, a ZIP file of `n8n export:entities`, or JSON files "
            f"({path / '*.json'})"
        ) from None
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None


def find_key(environ: Mapping[str, str], key_file: Path | None, names: Sequence[str]) -> str | None:
    """n8n's encryption key: from the file that was named, from N8N_ENCRYPTION_KEY, or from the `config` file beside
    its SQLite file. Raises SourceError."""
    if key_file is not None:
        return _key_in(key_file)
    if key := environ.get("N8N_ENCRYPTION_KEY", "").strip():
        return key
    beside = Path(names[0]).parent / "config"
    return _key_in(beside) if Path(names[0]).suffix in (".sqlite", ".db") and beside.is_file() else None


def _key_in(path: Path) -> str:
    """The key in a file that holds nothing else, or in n8n's `config`."""
    try:
        text = read_whole(path).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {why_unread(error)}") from None
    try:
        config = orjson.loads(text)
    except orjson.JSONDecodeError:
        config = None
    key = config.get("encryptionKey") if isinstance(config, dict) else text
    if not isinstance(key, str) or not key:
        raise SourceError(f"{path} holds no encryption key")
    return key


def why_unread(error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read, without its name and number."""
    return "it is no text in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror or error)


def find_storage(environ: Mapping[str, str], storage: Path | None, names: Sequence[str]) -> Path | None:
    """n8n's storage folder: the one that was named, N8N_STORAGE_PATH, or the one beside its SQLite file."""
    if storage is not None:
        return storage
    if named := environ.get("N8N_STORAGE_PATH", "").strip():
        return Path(named)
    for name in ("storage", "binaryData"):
        beside = Path(names[0]).parent / name
        if Path(names[0]).suffix in (".sqlite", ".db") and beside.is_dir():
            return beside
    return None
