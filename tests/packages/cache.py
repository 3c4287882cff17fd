"""Packages that tests install once, from npm, and keep: below PACKAGES_CACHE, else in the user's cache."""

import asyncio
import hashlib
import os
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.packages.adding import Added, put_in_place, read
from app.packages.install import Resolved, resolve
from app.packages.launch import JS
from app.packages.licences import restricted_packages
from app.packages.manifest import Manifest
from app.packages.store import LOCK, Store

PUBLIC = Path(__file__).parent / "public.txt"


class NotAccepted(Exception):
    """The package comes with packages of n8n's, whose licence nobody has accepted."""


def cache_folder() -> Path:
    """Where the packages are kept."""
    named = os.environ.get("PACKAGES_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "executions-api" / "packages"


def public_packages() -> Iterator[tuple[str, str]]:
    """Name and version of the packages that anybody may install."""
    for line in PUBLIC.read_text().splitlines():
        if not line.startswith("#"):
            name, version = line.split()
            yield name, version


async def resolved_for(store: Store, name: str, version: str, *, accepts: bool = False) -> Resolved:
    """What a package is installed from: the lock of the store, else npm's. Raises CannotInstall, NotAccepted."""
    folder = store.folder(name, version)
    if (folder / LOCK).exists():
        resolved = Resolved(name, version, "", "", (folder / LOCK).read_text())
    else:
        resolved = await resolve(name, version, tell=lambda _: None)
    names = restricted_packages(resolved.lock)
    if names and not accepts:
        raise NotAccepted(f"it comes with packages under n8n's own licence: {', '.join(names[:3])}")
    return resolved


async def installed(store: Store, name: str, version: str, *, accepts: bool = False) -> Resolved:
    """A package that is in the store, brought there where it is not. Raises CannotInstall, NotAccepted."""
    resolved = await resolved_for(store, name, version, accepts=accepts)
    await put_in_place(store, resolved, tell=lambda _: None)
    return resolved


@cache
def added(name: str, version: str, *, accepts: bool = False) -> Added:
    """A package that is installed, with what it offers. Raises CannotInstall, NotAccepted."""

    async def bring() -> Added:
        store = Store(cache_folder())
        resolved = await installed(store, name, version, accepts=accepts)
        return await read(resolved, store.package(name, version))

    return asyncio.run(bring())


async def kept_manifest(store: Store, name: str, version: str) -> Manifest:
    """What a package of the store offers, read once by each version of what reads it. Raises CannotInstall."""
    kept = f".manifest-{name.replace('/', '+')}"
    path = store.root / f"{kept}-{reader_digest()}.json"
    resolved = await installed(store, name, version)
    if not path.exists():
        made = (await read(resolved, store.package(name, version))).manifest
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(made.to_json())
        for old in store.root.glob(f"{kept}-*.json"):
            if old.stat().st_mtime < time.time() - 86_400:
                old.unlink(missing_ok=True)
        part.replace(path)
        return made
    return Manifest.from_json(path.read_bytes())


@cache
def reader_digest() -> str:
    """Changes with every file that reading a package depends on."""
    files = sorted(path for path in [*JS.rglob("*.js"), *JS.parent.glob("*.py")] if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
