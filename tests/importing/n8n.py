"""An n8n to move in from: its database as SQLite and as PostgreSQL, its storage folder, its API, its exports.

`n8n_rows.json` holds the rows of a small n8n 2.40 as they were in its database, with the columns that it had.
"""

import base64
import json
import os
import sqlite3
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from psycopg import sql

from app.credentials.n8n import SALTED, evp_bytes_to_key

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "n8n_rows.json").read_text())
KEY: str = RECORDED["config"]["encryptionKey"]
TABLES = {name: table for name, table in RECORDED.items() if name != "config"}
FILE = ("workflows/5y9kir51Ui7sJGMF/executions/13/binary_data/955c8ca6-7848-4384-9d8d-4cdfa4737cdb", b"a file's text")

WORKFLOWS = {row["name"]: row["id"] for row in TABLES["workflow_entity"]["rows"]}
EXECUTIONS = [row["id"] for row in TABLES["execution_entity"]["rows"]]
WAITING = {row["id"]: row for row in TABLES["execution_entity"]["rows"] if row["status"] == "waiting"}


def make_sqlite(folder: Path, *, journal: str = "wal") -> Path:
    """n8n's home folder with its database; returns the database file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "database.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        for name, table in TABLES.items():
            columns = ", ".join(f'"{column}"' for column in table["columns"])
            connection.execute(f'CREATE TABLE "{name}" ({columns})')
            for row in table["rows"]:
                add_row(connection, name, row)
    connection.close()
    (folder / "config").write_text(json.dumps(RECORDED["config"]))
    make_storage(folder / "storage")
    return path


def add_row(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    """Add a row to a table of n8n's SQLite file."""
    columns, places = ", ".join(f'"{column}"' for column in row), ", ".join("?" * len(row))
    connection.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({places})', list(row.values()))


def make_storage(folder: Path) -> None:
    """n8n's storage folder with the one file that an execution has."""
    path = folder / FILE[0]
    path.parent.mkdir(parents=True)
    path.write_bytes(FILE[1])


def fill_postgresql(url: str, *, schema: str = "public", prefix: str = "") -> None:
    """Make n8n's tables in an empty database and fill them."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        for name, table in TABLES.items():
            identifier = sql.Identifier(schema, prefix + name)
            columns = [
                sql.SQL("{} " + kind).format(sql.Identifier(column)) for column, kind in table["columns"].items()
            ]
            connection.execute(sql.SQL("CREATE TABLE {} ({})").format(identifier, sql.SQL(", ").join(columns)))
            for row in table["rows"]:
                values = [as_postgresql(value, table["columns"][column]) for column, value in row.items()]
                names = sql.SQL(", ").join(map(sql.Identifier, row))
                places = sql.SQL(", ").join(sql.Placeholder() * len(row))
                connection.execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(identifier, names, places), values)


def as_postgresql(value: Any, kind: str) -> Any:
    """A value of SQLite as PostgreSQL takes it."""
    if value is None:
        return None
    if kind == "boolean":
        return bool(value)
    return f"{value}+00" if kind == "timestamp with time zone" else value


NAMES = {
    "annotation_tag_entity": "annotationtagentity",
    "execution_annotation_tags": "annotationtagmapping",
    "credentials_entity": "credentialsentity",
    "data_table": "datatable",
    "data_table_column": "datatablecolumn",
    "deployment_key": "deploymentkey",
    "execution_annotations": "executionannotation",
    "execution_data": "executiondata",
    "execution_entity": "executionentity",
    "execution_metadata": "executionmetadata",
    "processed_data": "processeddata",
    "shared_credentials": "sharedcredentials",
    "shared_workflow": "sharedworkflow",
    "tag_entity": "tagentity",
    "workflow_entity": "workflowentity",
    "workflow_history": "workflowhistory",
}
"""n8n's tables as `export:entities` names its files."""


def make_entities(path: Path, key: str = KEY, more: Mapping[str, list[dict[str, Any]]] | None = None) -> Path:
    """The ZIP file of `n8n export:entities`: rows in encrypted lines of a few each, large files in parts.

    `more` rows of tables follow those that were recorded.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for table, recorded in TABLES.items():
            if table in ("user_api_keys", "webhook_entity"):
                continue
            lines = [json.dumps(row) for row in [*recorded["rows"], *(more or {}).get(table, ())]]
            parts = [lines[start : start + 5] for start in range(0, len(lines), 5)]
            for number, part in enumerate(parts, 1):
                name = NAMES.get(table, table) + (f".{number}" if number > 1 else "") + ".jsonl"
                archive.writestr(name, encrypt_cbc("\n".join(part), key) + "\n")
    return path


def encrypt_cbc(text: str, key: str) -> str:
    """A text as n8n encrypts it with the key of the instance."""
    salt = os.urandom(8)
    made = evp_bytes_to_key(key.encode(), salt)
    padder = padding.PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES256(made[:32]), modes.CBC(made[32:])).encryptor()
    return base64.b64encode(SALTED + salt + encryptor.update(padded) + encryptor.finalize()).decode()


def exported_workflows() -> list[dict[str, Any]]:
    """What `n8n export:workflow --all` writes."""
    json_columns = ("nodes", "connections", "settings", "staticData", "pinData", "meta", "nodeGroups")
    return [
        {**row, **{name: json.loads(row[name]) for name in json_columns if row[name] is not None}}
        for row in TABLES["workflow_entity"]["rows"]
    ]


def flatted_data(execution_id: int) -> str:
    """The run data of an execution as n8n stores it."""
    return next(row["data"] for row in TABLES["execution_data"]["rows"] if row["executionId"] == execution_id)


def rows(table: str) -> Iterator[dict[str, Any]]:
    """The recorded rows of a table."""
    yield from TABLES[table]["rows"]


def check_brought(target: psycopg.Connection, tables: Collection[str] | None = None) -> None:
    """See that all is there that was recorded, of these tables."""
    recorded = {
        "executions": {*EXECUTIONS},
        "workflows": {*WORKFLOWS.values()},
        "credentials": {row["id"] for row in rows("credentials_entity")},
        "tags": {row["id"] for row in rows("tag_entity")},
        "data_table_rows": {row["id"] for row in rows("data_table_user_e6jV5qQB2sxdBUt8")},
    }
    for table in tables or recorded:
        assert recorded[table] <= {row[0] for row in target.execute(f"SELECT id FROM {table}")}, table


def one(connection, query, *parameters):
    return connection.execute(query, parameters).fetchone()


def statuses(target):
    return dict(target.execute("SELECT id, status FROM executions ORDER BY id").fetchall())


def change(path, statement, *parameters):
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, parameters)
    connection.close()
