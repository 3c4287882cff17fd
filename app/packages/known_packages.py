"""What a process of the API knows of the listed packages: their manifests as they are now, and no files.

A thread looks every second whether the list has changed, from the first time on that somebody asks; so no request
pays for it, and a package that was added anywhere is known within seconds.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from psycopg_pool import ConnectionPool

from app.credentials.completion import Definitions
from app.credentials.credential_type import CredentialType
from app.credentials.types import TYPES, type_of
from app.engine.run.node_types import TOOL, NodeTypes
from app.packages.advice import advise
from app.packages.credential_types import packaged_type
from app.packages.definitions import definitions_of
from app.packages.host import Host
from app.packages.manifest import InvalidManifest, Manifest, PackagedCredential, PackagedNode
from app.packages.types import Installed, Packages
from app.repository import node_packages
from app.repository.connection import UNREACHABLE, Connection, reading

log = logging.getLogger(__name__)

NOWHERE = Path("/nonexistent")
LOOK_SECONDS = 1.0
CATCH_UP_SECONDS = 0.5
FIRST_SECONDS = 5.0
"""How long whoever asks first waits for what there is."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What the packages of one revision of the list offer."""

    revision: int = -1
    types: NodeTypes = field(default_factory=NodeTypes)
    credentials: Mapping[str, PackagedCredential] = field(default_factory=dict)
    definitions: Definitions = field(default_factory=dict)
    nodes: Mapping[str, PackagedNode] = field(default_factory=dict)
    packages: frozenset[str] = frozenset()
    """Their names."""
    tester: Callable[[str], object] = lambda _: None
    """See Packages.tester."""


class KnownPackages:
    """The packages that are listed, for one application. Any thread may ask."""

    def __init__(self, pool: ConnectionPool[Connection], types: NodeTypes) -> None:
        """`types` are given those of the packages as `further` ones."""
        self._pool = pool
        self._types = types
        types.advise = self.advise
        self._contents = Contents()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._there = threading.Event()
        self._look = threading.Event()
        self._looked = threading.Condition()
        self._looks = 0

    def ask(self) -> None:
        """Make sure that what is listed is known, as it was a second ago. Waits only at the first call."""
        if not self._there.is_set():
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._keep_reading, name="packages", daemon=True)
                    self._thread.start()
            self._there.wait(FIRST_SECONDS)

    def refresh(self) -> None:
        """Know what is listed now. To be called outside of a transaction."""
        self._look_again(FIRST_SECONDS)

    def catch_up(self) -> None:
        """The same for whoever is about to refuse something, also within a transaction.

        Many at once share a look, and none waits for it for long: they may hold the connections that it needs.
        """
        self._look_again(CATCH_UP_SECONDS)

    def _look_again(self, seconds: float) -> None:
        """Have the thread look once more, from now on; waits at most so long for each look."""
        self.ask()
        with self._looked:
            # The look that goes on may have begun before: the one after it counts.
            wanted = self._looks + 2
            while self._looks < wanted:
                self._look.set()
                if not self._looked.wait(seconds):
                    return

    def advise(self, kind: str) -> str:
        """What to do about a type of node that no package here has: see NodeTypes."""
        return advise(kind, self._contents.packages)

    def credential(self, name: str) -> PackagedCredential | None:
        """The credential type of that name, of any package."""
        self.ask()
        return self._contents.credentials.get(name)

    def node(self, name: str) -> PackagedNode | None:
        """The node type of that name, of any package; also by the name under which an agent uses it."""
        for look in (self.ask, self.catch_up):
            look()
            nodes = self._contents.nodes
            if (found := nodes.get(name) or nodes.get(name.removesuffix(TOOL))) is not None:
                return found
        return None

    def is_tested_by_node(self, name: str) -> bool:
        """Whether a node of a package tries credentials of that type."""
        self.ask()
        return self._contents.tester(name) is not None

    def credential_type(self, name: str) -> CredentialType:
        """What is known of a type: as the program has it, else as a package describes it, else nothing."""
        credential = None if name in TYPES else self.credential(name)
        if credential is None and name not in TYPES:
            self.catch_up()
            credential = self.credential(name)
        return type_of(name) if credential is None else packaged_type(credential, self.credential)

    def definitions(self) -> Definitions | None:
        """What is defined of all credential types of packages: what they extend, and their properties.

        None while that is not known, because PostgreSQL has not answered yet.
        """
        self.ask()
        return self._contents.definitions if self._there.is_set() else None

    def _keep_reading(self) -> None:
        trouble = False
        while not self._pool.closed:
            try:
                self._read()
                trouble = False
            except UNREACHABLE as error:
                if not trouble and not self._pool.closed:
                    log.warning("no news of packages for now", extra={"reason": str(error).strip()})
                trouble = True
            except Exception:
                log.exception("the list of packages cannot be read")
            with self._looked:
                self._looks += 1
                self._looked.notify_all()
            self._look.wait(LOOK_SECONDS)
            self._look.clear()

    def _read(self) -> None:
        with reading(self._pool) as connection:
            revision = node_packages.read_revision(connection)
            if revision != self._contents.revision:
                names = [each.name for each in node_packages.list_packages(connection)]
                contents = contents_of(revision, node_packages.read_manifests(connection, names))
                self._contents = contents
                self._types.further = contents.types
        self._there.set()


def listed_types(connection: Connection, own: NodeTypes) -> NodeTypes:
    """Our own types and those of the packages that are listed now, for who asks once."""
    names = [each.name for each in node_packages.list_packages(connection)]
    types = own.copy()
    types.advise = partial(advise, packages=names)
    types.further = contents_of(0, node_packages.read_manifests(connection, names)).types
    return types


def contents_of(revision: int, stored: Mapping[str, bytes]) -> Contents:
    """What stored manifests say, those that this program can read."""
    manifests = read_manifests(stored)
    credentials = {each.name: each for manifest in reversed(manifests.values()) for each in manifest.credentials}
    # There are no files here, and no process is ever started: types are asked, and never run.
    packages = Packages(Host(NOWHERE), [Installed(NOWHERE / name, manifest) for name, manifest in manifests.items()])
    nodes = {each.type: each for manifest in reversed(manifests.values()) for each in manifest.nodes}
    return Contents(
        revision,
        packages.node_types(NodeTypes()),
        credentials,
        definitions_of(credentials.values()),
        nodes,
        frozenset(stored),
        packages.tester,
    )


def read_manifests(stored: Mapping[str, bytes]) -> dict[str, Manifest]:
    """Stored manifests; one that this program cannot read is left out, and the log says so."""
    manifests = {}
    for name, text in stored.items():
        try:
            manifests[name] = Manifest.from_json(text)
        except InvalidManifest as error:
            log.error("package left out", extra={"package": name, "reason": str(error)})
    return manifests
