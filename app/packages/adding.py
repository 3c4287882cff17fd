"""Installs a package on this machine: from the name that somebody gave to the entry in the list of all machines."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from app.engine.run.node_types import GATE, TOOL
from app.packages.approvals import approval_of
from app.packages.catalogue import UnreadablePackage, read_package
from app.packages.errors import CannotInstall, LicenceNotAccepted, NotOfNodes
from app.packages.install import Resolved, fetch, read_licence
from app.packages.licences import TERMS, is_n8n, is_restricted, restricted_packages
from app.packages.manifest import Manifest, PackagedNode
from app.packages.npm import Tell
from app.packages.store import InUse, Store

WAIT_SECONDS = 1_800.0
"""How long another process of this machine may be busy with packages before this one gives up."""
POLL_SECONDS = 0.5
MAX_NAME_LENGTH = 200
_COMPILED = re.compile(r"Cannot find module '(?:/|[^']{0,200}build/)[^']{1,1000}\.node'")
Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Added:
    """A package that is installed here, and what it offers."""

    resolved: Resolved
    manifest: Manifest
    author_name: str | None
    author_email: str | None

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """What lists of packages show of its nodes."""
        return [
            {"name": display_name(node), "type": node.type, "latestVersion": max(node.versions, default=1)}
            for node in self.manifest.nodes
        ]

    @property
    def node_types(self) -> list[str]:
        """What workflows call its nodes, also where an agent uses them."""
        return node_types(self.manifest)


def node_types(manifest: Manifest) -> list[str]:
    """What workflows call the nodes of a package, also where an agent uses them."""
    tools = [node.type + TOOL for node in manifest.nodes if node.tool]
    gates = [
        node.type + GATE for node in manifest.nodes if any(approval_of(each.document) for each in node.descriptions)
    ]
    return sorted({*tools, *gates, *(node.type for node in manifest.nodes)})


async def check_terms(name: str, version: str, *, tell: Tell) -> None:
    """Find out before anything else is fetched that a package of n8n's own is under its licence.

    For whoever has not accepted it. Raises LicenceNotAccepted, CannotInstall.
    """
    if is_n8n(name) and is_restricted(name, await read_licence(name, version, tell=tell)):
        raise LicenceNotAccepted(licence_question(name, [name]))


async def add(store: Store, resolved: Resolved, *, accepts: Callable[[list[str]], bool], tell: Tell) -> Added:
    """Install what app.packages.install has resolved, and read what it offers.

    `accepts` is asked, before anything is there, whether the licence of n8n's packages that come with it is accepted;
    there may be none of them. Raises CannotInstall.
    """
    name, names = resolved.name, restricted_packages(resolved.lock)
    if not accepts(names) and names:
        raise LicenceNotAccepted(licence_question(name, names))
    fetched = await put_in_place(store, resolved, tell=tell)
    folder = store.package(resolved.name, resolved.version)
    tell("reading what it offers")
    try:
        return await read(resolved, folder)
    except CannotInstall:
        if fetched:  # the next attempt fetches it anew
            await asyncio.to_thread(store.drop, resolved.name, resolved.version)
        raise


def licence_question(name: str, names: list[str]) -> str:
    """What is to be accepted, and how."""
    others = [each for each in names if each != name]
    listed = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
    what = f"{name} is" if name in names else f"{name} comes with packages that are"
    return (
        f"{what} under {TERMS}{f'; so are {listed}' if name in names and others else ''}"
        f"{f': {listed}' if name not in names else ''}. To accept it, use --accept-license, over the API "
        '"acceptLicense": true'
    )


async def put_in_place(store: Store, resolved: Resolved, *, tell: Tell) -> bool:
    """Install what is not there yet; whether it had to be fetched. Raises CannotInstall."""
    waited, fetched = 0.0, False
    while not store.has(resolved.name, resolved.version, resolved.lock):
        try:
            async with _in_threads(store.changing()), _in_threads(store.new_folder()) as folder:
                await fetch(resolved, folder, tell=tell)
                store.keep(folder, resolved.name, resolved.version)
                fetched = True
        except InUse as error:
            if waited >= WAIT_SECONDS:
                raise CannotInstall(f"{error}, and has not come to an end") from None
            if waited == 0.0:
                tell("waiting for another process of this machine that installs a package")
            await asyncio.sleep(POLL_SECONDS)
            waited += POLL_SECONDS
        except OSError as error:
            raise CannotInstall(
                f"{resolved.name} cannot be put into {error.filename or 'EXECUTIONS_HOME'}: {error.strerror}. Let this "
                "user write there, and see that the disk has room"
            ) from error
    return fetched


@asynccontextmanager
async def _in_threads(manager: AbstractContextManager[Given]) -> AsyncIterator[Given]:
    """Enter and leave a context where it keeps no loop waiting: a worker's is needed for what runs meanwhile."""
    entered = ExitStack()
    entering = asyncio.ensure_future(asyncio.to_thread(entered.enter_context, manager))
    try:
        yield await asyncio.shield(entering)
    finally:
        await asyncio.wait([entering])
        await asyncio.to_thread(entered.close)


async def read(resolved: Resolved, folder: Path) -> Added:
    """What an installed package offers. Raises CannotInstall for one without nodes, or of which none can be loaded."""
    try:
        described = json.loads((folder / "package.json").read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CannotInstall(f"The package.json of {resolved.name} cannot be read: {error}") from error
    if not isinstance(described, dict):
        raise CannotInstall(f"The package.json of {resolved.name} cannot be read: it holds no object")
    wanted, offers = f"{resolved.name}@{resolved.version}", described.get("n8n")
    if not isinstance(offers, dict):
        raise NotOfNodes(f'{wanted} is no package of nodes for n8n: its package.json has no "n8n" that lists any')
    try:
        manifest = await read_package(folder)
    except UnreadablePackage as error:
        raise CannotInstall(f"What {wanted} offers cannot be read: {error}") from error
    if not manifest.nodes and manifest.broken and (offers.get("nodes") or not manifest.credentials):
        broken = "; ".join(f"{each.file}: {each.message.splitlines()[0]}" for each in manifest.broken[:3])
        what = "node" if offers.get("nodes") else "file"
        raise CannotInstall(f"No {what} of {wanted} can be loaded: {broken}. {what_broken_needs(manifest)}")
    if not manifest.nodes and not manifest.credentials:
        raise NotOfNodes(f'{wanted} lists no nodes: the "n8n" of its package.json is empty')
    name, email = author_of(described.get("author"))
    return Added(resolved, manifest, name, email)


def what_broken_needs(manifest: Manifest) -> str:
    """What to do about files of a package that cannot be loaded."""
    if any(_COMPILED.match(each.message) for each in manifest.broken):
        return (
            "That is a compiled library, which an install script would have built or downloaded: such scripts never "
            "run here. Another version may do without it"
        )
    return "Another version may work"


def author_of(author: object) -> tuple[str | None, str | None]:
    """Name and e-mail address of a package's author, as npm writes them: an object, or `Name <address> (site)`."""
    if isinstance(author, dict):
        name, email = author.get("name"), author.get("email")
    elif isinstance(author, str):
        name, _, rest = author.partition("(")[0].partition("<")
        name, email = name.strip(), rest.partition(">")[0].strip()
    else:
        return None, None
    name_and_email = [text[:MAX_NAME_LENGTH] if isinstance(text, str) and text else None for text in (name, email)]
    return name_and_email[0], name_and_email[1]


def display_name(node: PackagedNode) -> str:
    """What people call a node: what its newest version says."""
    newest = node.description(max(node.versions, default=1)) or {}
    name = newest.get("displayName")
    return name if isinstance(name, str) and name else node.type
