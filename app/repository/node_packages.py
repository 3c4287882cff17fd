"""Node packages from npm: the list that is the truth for all machines, and what of it which worker lacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg.rows import args_row

from app.repository.connection import Connection, json_of, read_one, scalar
from app.repository.errors import NodePackageNotFound

REVISION = "SELECT r.revision FROM node_packages_revision AS r"

LIST = """
    SELECT p.name, p.version, p.integrity, p.licence, p.author_name, p.author_email, p.nodes, p.node_types,
           p.installed_at, p.updated_at
      FROM node_packages AS p
     ORDER BY p.name
"""

GET = """
    SELECT p.name, p.version, p.integrity, p.licence, p.author_name, p.author_email, p.nodes, p.node_types,
           p.installed_at, p.updated_at
      FROM node_packages AS p
     WHERE p.name = %(name)s
"""

LOCKS = """
    SELECT p.name, p.version, p.integrity, p.lock
      FROM node_packages AS p
     WHERE p.name = ANY(%(names)s::text[])
"""

MANIFESTS = """
    SELECT p.name, p.manifest
      FROM node_packages AS p
     WHERE p.name = ANY(%(names)s::text[])
"""

PUT = """
    INSERT INTO node_packages AS p (name, version, integrity, licence, author_name, author_email, lock, manifest,
                                    nodes, node_types)
    VALUES (%(name)s, %(version)s, %(integrity)s, %(licence)s, %(author_name)s, %(author_email)s, %(lock)s,
            %(manifest)s, %(nodes)s, %(node_types)s)
    ON CONFLICT (name) DO UPDATE
       SET version = excluded.version, integrity = excluded.integrity, licence = excluded.licence,
           author_name = excluded.author_name, author_email = excluded.author_email, lock = excluded.lock,
           manifest = excluded.manifest, nodes = excluded.nodes, node_types = excluded.node_types,
           updated_at = clock_timestamp()
"""

REMOVE = """
    DELETE FROM node_packages AS p
     WHERE p.name = %(name)s
    RETURNING true
"""

LACKED = """
    SELECT p.node_types
      FROM node_packages AS p
     WHERE p.name || '@' || p.version <> ALL(%(there)s::text[])
"""

USERS = """
    SELECT w.id, v.name
      FROM workflows AS w
      JOIN workflow_versions AS v ON v.id = coalesce(w.active_version_id, w.version_id)
     WHERE w.active AND coalesce(v.node_types, node_types_of(v.definition)) && %(types)s::text[]
     ORDER BY w.id
     LIMIT %(limit)s
"""

NOTE_ERRORS = """
    UPDATE workers AS w
       SET package_errors = %(errors)s::json
     WHERE w.id = %(worker_id)s AND w.package_errors::text <> %(errors)s::json::text
"""

ERRORS = """
    SELECT DISTINCT ON (e.key) e.key, w.hostname, e.value
      FROM workers AS w
     CROSS JOIN LATERAL json_each_text(without_nul(w.package_errors)) AS e
     WHERE w.stopped_at IS NULL AND w.heartbeat_at > statement_timestamp() - make_interval(secs => %(lease_seconds)s)
     ORDER BY e.key, w.id
"""


@dataclass(frozen=True, slots=True)
class NodePackage:
    """A package that is used here. `nodes` is JSON: name, type and latestVersion of each node type; `node_types` are
    the names that workflows use, those of tools included."""

    name: str
    version: str
    integrity: str
    licence: str
    author_name: str | None
    author_email: str | None
    nodes: bytes
    node_types: list[str]
    installed_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewNodePackage:
    """A package as it is to be used. `lock` is npm's package-lock.json, `manifest` JSON (app.packages.manifest)."""

    name: str
    version: str
    integrity: str
    licence: str
    author_name: str | None
    author_email: str | None
    lock: str
    manifest: bytes
    nodes: list[dict[str, Any]]
    node_types: list[str]


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """What a machine needs to install a package just as the others have it."""

    name: str
    version: str
    integrity: str
    lock: str


@dataclass(frozen=True, slots=True)
class PackageError:
    """Why a worker lacks a package that is listed."""

    package: str
    hostname: str
    message: str


def read_revision(connection: Connection) -> int:
    """A number that rises with each change of the list; 0 before the first."""
    return int(scalar(connection, REVISION) or 0)


def list_packages(connection: Connection) -> list[NodePackage]:
    """All packages in the order of their names."""
    with connection.cursor(row_factory=args_row(NodePackage)) as cursor:
        return cursor.execute(LIST).fetchall()


def get_package(connection: Connection, name: str) -> NodePackage:
    """One package. Raises NodePackageNotFound."""
    missing = NodePackageNotFound(f"The package {name} is not installed")
    return read_one(connection, args_row(NodePackage), GET, {"name": name}, missing)


def read_locks(connection: Connection, names: Sequence[str]) -> list[LockedPackage]:
    """What is needed to install these packages, those of them that are listed."""
    with connection.cursor(row_factory=args_row(LockedPackage)) as cursor:
        return cursor.execute(LOCKS, {"names": list(names)}).fetchall()


def read_manifests(connection: Connection, names: Sequence[str]) -> dict[str, bytes]:
    """What these packages offer, as JSON, by name."""
    return dict(connection.execute(MANIFESTS, {"names": list(names)}).fetchall())


def put_package(connection: Connection, package: NewNodePackage) -> None:
    """Let all machines use this package in this version, in the place of an earlier one."""
    values = {
        "name": package.name,
        "version": package.version,
        "integrity": package.integrity,
        "licence": package.licence,
        "author_name": package.author_name,
        "author_email": package.author_email,
        "lock": package.lock,
        "manifest": json_of(package.manifest),
        "nodes": json_of(orjson.dumps(package.nodes)),
        "node_types": package.node_types,
    }
    connection.execute(PUT, values)


def remove_package(connection: Connection, name: str) -> None:
    """Let no machine use this package any more. Raises NodePackageNotFound."""
    if not scalar(connection, REMOVE, {"name": name}):
        raise NodePackageNotFound(f"The package {name} is not installed")


def lacked_types(connection: Connection, there: Sequence[str]) -> list[str]:
    """The node types of listed packages that are not `there`, which names packages as `name@version`."""
    lacked = {kind for (kinds,) in connection.execute(LACKED, {"there": list(there)}) for kind in kinds}
    return sorted(lacked)


def active_users(connection: Connection, types: Sequence[str], *, limit: int) -> list[tuple[str, str]]:
    """Ids and names of active workflows with nodes of these types, at most `limit`."""
    return connection.execute(USERS, {"types": list(types), "limit": limit}).fetchall()


def note_errors(connection: Connection, worker_id: int, errors: Mapping[str, str]) -> None:
    """Say why a worker lacks packages: messages by name."""
    text = orjson.dumps(dict(errors), option=orjson.OPT_SORT_KEYS)
    connection.execute(NOTE_ERRORS, {"worker_id": worker_id, "errors": json_of(text)})


def list_errors(connection: Connection, *, lease_seconds: float) -> list[PackageError]:
    """Of each package that living workers lack, why one of them does."""
    with connection.cursor(row_factory=args_row(PackageError)) as cursor:
        return cursor.execute(ERRORS, {"lease_seconds": lease_seconds}).fetchall()
