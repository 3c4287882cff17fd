"""The node packages of one worker: it installs what is listed, and tells what it lacks.

A worker that lacks packages leaves executions with nodes of theirs to others. It learns of a change of the list with
the claim itself, in its transaction, so that no execution comes to a worker that does not know yet that it lacks
something. A package that cannot be installed is retried now and then, and affects nothing else.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.credentials.completion import Definitions
from app.engine.run.node_types import NodeTypes
from app.packages.adding import add, check_terms, put_in_place
from app.packages.advice import how_to_add, how_to_wait, package_of
from app.packages.definitions import definitions_of
from app.packages.errors import CannotInstall
from app.packages.host import Host
from app.packages.install import Resolved, resolve
from app.packages.known_packages import read_manifests
from app.packages.manifest import InvalidManifest, Manifest
from app.packages.store import Store
from app.packages.stored_package import to_store
from app.packages.types import Installed, Packages
from app.repository import node_package_wishes, node_packages
from app.repository.connection import REFUSED, Connection
from app.repository.node_package_wishes import Wish
from app.repository.node_packages import LockedPackage, NodePackage
from app.worker.chores.chore import Chore
from app.worker.database import Database
from app.worker.texts import strip_unstorable

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
AGAIN_SECONDS = 60.0
"""After so long a package that could not be installed is tried again."""
FIRST_SECONDS = 2.0
"""So long a worker that has just started begins no execution while it installs what it lacks: a sub-workflow runs where
its parent does, whatever nodes it has."""
KEEP_SECONDS = 3_600.0
"""So long the files of a package stay that is not listed any more: what runs may still need them."""


@dataclass(frozen=True, slots=True)
class Lacked:
    """What a worker lacks of one revision of the list: types of nodes. `changes` counts those of what it has."""

    revision: int = 0
    changes: int = -1
    types: tuple[str, ...] = ()


class PackageSync:
    """What one worker has of the listed packages, and what it lacks."""

    def __init__(
        self,
        store: Store,
        database: Database,
        types: NodeTypes,
        host: Host,
        *,
        worker_id: Callable[[], int],
        wake: Callable[[], None],
    ) -> None:
        """`types` get what packages add as `further` ones, which run in `host`; then `wake` is called."""
        self._store = store
        self._database = database
        self._types = types
        self._worker_id = worker_id
        self._wake = wake
        self._host = host
        self._there: dict[str, tuple[str, Manifest]] = {}
        self._lacked = Lacked()
        self._changes = 0
        self._errors: dict[str, str] = {}
        self._told: tuple[int, dict[str, str]] = (0, {})
        self._again: dict[tuple[str, str], float] = {}
        self._unlisted: dict[tuple[str, str], float] = {}
        self._listed: frozenset[str] = frozenset()
        self._revision = self._defined = -1
        types.advise = self._advise
        self.definitions: Definitions | None = None
        """What is defined of the credential types of packages that are listed; None until `known` is set."""
        self.known = asyncio.Event()
        self._ready_at = math.inf
        self.installed = Packages(host, ())
        """What is there."""
        self.hint = asyncio.Event()
        """Something about packages has changed in the database."""

    def lacked_types(self, connection: Connection, revision: int) -> Sequence[str]:
        """The types of nodes that this worker cannot run at this revision of the list. From the claim's thread."""
        lacked, changes = self._lacked, self._changes
        if (lacked.revision, lacked.changes) == (revision, changes):
            return lacked.types
        there = [f"{name}@{version}" for name, (version, _) in self._there.items()]
        types = tuple(kind for kind in node_packages.lacked_types(connection, there) if kind not in self._types)
        self._lacked = Lacked(revision, changes, types)
        return types

    def lacked_now(self, connection: Connection) -> Sequence[str]:
        """The types of nodes that this worker cannot run, of what is listed now."""
        return self.lacked_types(connection, node_packages.read_revision(connection))

    def chore(self) -> Chore:
        """Installs what is listed, and what somebody asks for."""
        return Chore("packages", self._step, self.hint)

    async def _step(self) -> float:
        await self._install_listed()
        wish = await self._database.transact(node_package_wishes.take, self._worker_id())
        if wish is not None:
            await self._carry_out(wish)
            return 0.0
        await self._tell_errors()
        return LOOK_SECONDS

    @property
    def ready(self) -> bool:
        """Whether executions may begin: what this worker has is in place, or installing it takes some time."""
        return time.monotonic() >= self._ready_at

    async def _install_listed(self) -> None:
        revision = await self._database.transact(node_packages.read_revision)
        if revision == self._revision and not self._retry_is_due():
            return
        listed = await self._database.transact(node_packages.list_packages)
        versions = {each.name: each.version for each in listed}
        self._listed = frozenset(versions)
        self._errors = {name: text for name, text in self._errors.items() if name in versions}
        self._again = {each: at for each, at in self._again.items() if each in versions.items()}
        if revision != self._defined:
            await self._read_definitions(sorted(versions))
            self._defined = revision
        for package in listed:
            await self._install(package)
        if gone := self._there.keys() - versions.keys():
            self._there = {name: there for name, there in self._there.items() if name not in gone}
            self._use_installed()
        await self._remove_unlisted(set(versions.items()))
        self._revision = revision
        self._be_ready(0.0)

    async def _read_definitions(self, names: Sequence[str]) -> None:
        stored = await self._database.transact(node_packages.read_manifests, names)
        # In a thread: they may be of many megabytes.
        self.definitions = await asyncio.to_thread(_defined_in, stored)
        self.known.set()
        self._be_ready(FIRST_SECONDS)

    def _be_ready(self, seconds: float) -> None:
        """Let executions begin in so many seconds, if not before."""
        if not self.ready:
            self._ready_at = min(self._ready_at, time.monotonic() + seconds)
            asyncio.get_running_loop().call_later(seconds, self._wake)

    def _advise(self, kind: str) -> str:
        """What to do about a type of node that this worker has not got: see NodeTypes."""
        package = package_of(kind)
        if package is None or package in self._there:
            return ""
        return how_to_wait(package, self._errors.get(package)) if package in self._listed else how_to_add(package)

    def _retry_is_due(self) -> bool:
        return any(time.monotonic() >= at for at in self._again.values()) or bool(
            self._unlisted and time.monotonic() >= min(self._unlisted.values())
        )

    async def _install(self, package: NodePackage) -> None:
        there = self._there.get(package.name)
        if there is not None and there[0] == package.version:
            return
        key = (package.name, package.version)
        if time.monotonic() < self._again.get(key, 0.0):
            return
        self._again = {each: at for each, at in self._again.items() if each[0] != package.name}
        try:
            await self._put_in_place(package)
        except (CannotInstall, InvalidManifest) as error:
            log.error(
                "package cannot be installed",
                extra={"package": package.name, "version": package.version, "reason": str(error)},
            )
            self._errors[package.name] = strip_unstorable(str(error))
            self._again[key] = time.monotonic() + AGAIN_SECONDS
            await self._tell_errors()

    async def _put_in_place(self, package: NodePackage) -> None:
        def read(connection: Connection) -> tuple[list[LockedPackage], dict[str, bytes]]:
            names = [package.name]
            return node_packages.read_locks(connection, names), node_packages.read_manifests(connection, names)

        locks, manifests = await self._database.transact(read)
        if not locks or locks[0].version != package.version:
            return  # it is another one by now; the next look finds it
        lock = locks[0]
        resolved = Resolved(lock.name, lock.version, lock.integrity, package.licence, lock.lock)
        await put_in_place(self._store, resolved, tell=teller(lock.name))
        manifest = await asyncio.to_thread(Manifest.from_json, manifests[lock.name])
        self._there = {**self._there, lock.name: (lock.version, manifest)}
        self._errors.pop(lock.name, None)
        self._use_installed()
        log.info("package ready", extra={"package": lock.name, "version": lock.version})

    def _use_installed(self) -> None:
        """Let what is there be used, and what is lacked be found out anew."""
        installed = [
            Installed(self._store.package(name, version), manifest)
            for name, (version, manifest) in sorted(self._there.items())
        ]
        self.installed = Packages(self._host, installed)
        self._types.further = self.installed.node_types(NodeTypes())
        self._changes += 1
        self._wake()

    async def _carry_out(self, wish: Wish) -> None:
        """Install what somebody has asked for, and list it."""
        log.info("package asked for", extra={"package": wish.name, "version": wish.version})
        try:
            if not wish.accepts_licence:
                await check_terms(wish.name, wish.version, tell=teller(wish.name))
            resolved = await resolve(wish.name, wish.version, tell=teller(wish.name))
            added = await add(self._store, resolved, accepts=lambda _: wish.accepts_licence, tell=teller(wish.name))
        except CannotInstall as error:
            await self._refuse(wish, str(error))
            return

        def record(connection: Connection) -> None:
            node_packages.put_package(connection, to_store(added))
            node_package_wishes.fulfil(connection, wish.name)

        try:
            await self._database.transact(record)
        except REFUSED as error:  # it would end this worker, and the next one that takes it
            await self._refuse(wish, f"What the package says of itself cannot be stored: {error}")

    async def _refuse(self, wish: Wish, reason: str) -> None:
        """Tell whoever asked for a package why it cannot be installed."""
        about = {"package": wish.name, "version": wish.version, "reason": reason}
        log.error("package cannot be installed", extra=about)
        reason = strip_unstorable(reason)
        await self._database.transact(node_package_wishes.fail, self._worker_id(), wish.name, reason)

    async def _tell_errors(self) -> None:
        told = (self._worker_id(), dict(self._errors))
        if told != self._told:
            await self._database.transact(node_packages.note_errors, *told)
            self._told = told

    async def _remove_unlisted(self, listed: set[tuple[str, str]]) -> None:
        """Remove the files of packages that are not listed, once nothing that runs can need them any more."""
        now = time.monotonic()
        unlisted = {package for package in self._store.installed() if package not in listed}
        self._unlisted = {package: self._unlisted.get(package, now + KEEP_SECONDS) for package in unlisted}
        for package in [package for package, at in self._unlisted.items() if now >= at]:
            await asyncio.to_thread(self._store.drop, *package)
            del self._unlisted[package]


def _defined_in(stored: Mapping[str, bytes]) -> Definitions:
    """What these manifests define of credential types, those of the first package that has a type of that name."""
    manifests = read_manifests({name: stored[name] for name in sorted(stored, reverse=True)})
    return definitions_of(each for manifest in manifests.values() for each in manifest.credentials)


def teller(name: str) -> Callable[[str], None]:
    """Says in the log how far it is."""
    return lambda text: log.info("package under way", extra={"package": name, "progress": text})
