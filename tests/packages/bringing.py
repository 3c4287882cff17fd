"""Installs and reads many packages of npm's, some of them at once: for `make check-packages`.

What has been installed is kept, so that whoever was stopped goes on from there. Versions are exact, so what npm's cache
says of a package is believed (npm asks the registry where it lacks the version).
"""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.packages.adding import Added, put_in_place, read
from app.packages.errors import CannotInstall, RegistryUnreachable
from app.packages.install import Resolved
from app.packages.store import InUse, Store
from tests.packages.cache import NotAccepted, resolved_for

INSTALLED_AT_ONCE = 2 * (os.cpu_count() or 1)
"""npm mostly waits for the registry."""
READ_AT_ONCE = os.cpu_count() or 1
ASIDE = "aside"
"""Below the cache: where packages are put together, each in a store of its own, as npm changes a store alone."""
OFFLINE = "npm_config_prefer_offline"
POLL_SECONDS = 0.1
SHOWN = 15
"""So many broken files of a package are told."""
ATTEMPTS = 5
"""So often a package is tried whose registry breaks off; npm's cache keeps what has come."""

Say = Callable[[str], None]


@dataclass
class Brought:
    """What came of packages, by their names."""

    added: dict[str, Added] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why one cannot be used; not tried again."""
    unfinished: list[str] = field(default_factory=list)
    """Those that the time was too short for."""


class Bringing:
    """Brings packages into a store, and says of each what came of it."""

    def __init__(self, store: Store, *, accepts: bool, say: Say) -> None:
        self._store, self._accepts, self._say = store, accepts, say
        self._installing = asyncio.Semaphore(INSTALLED_AT_ONCE)
        self._reading = asyncio.Semaphore(READ_AT_ONCE)
        self._brought = Brought()
        self._total = 0

    async def bring(self, wanted: Sequence[tuple[str, str]], limits: Mapping[str, float], seconds: float) -> Brought:
        """All of them, in at most so many seconds; `limits` has what one may take, by name, the others `limits[""]`.

        Those that may take longest begin.
        """
        os.environ.setdefault(OFFLINE, "true")
        self._total = len(wanted)
        ordered = sorted(wanted, key=lambda each: -limits.get(each[0], 0))
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for name, version in ordered:
                    group.create_task(self._try(name, version, limits.get(name, limits[""])))
        except TimeoutError:
            pass
        done = {*self._brought.added, *self._brought.reasons, *self._brought.unfinished}
        self._brought.unfinished += [name for name, _ in ordered if name not in done]
        return self._brought

    async def _try(self, name: str, version: str, seconds: float) -> None:
        """Bring one, and write down what came of it."""
        brought, took = self._brought, 0.0
        try:
            async with self._installing:
                began = time.monotonic()
                async with asyncio.timeout(seconds):
                    resolved = await self._install_again(name, version)
                took = time.monotonic() - began
            async with self._reading:
                began = time.monotonic()
                async with asyncio.timeout(seconds):
                    brought.added[name] = await read(resolved, self._store.package(name, version))
            line = (
                f"installed in {took:.1f} s, read in {time.monotonic() - began:.1f} s: {describe(brought.added[name])}"
            )
        except (CannotInstall, NotAccepted) as error:
            brought.reasons[name] = line = str(error)
        except TimeoutError:
            brought.unfinished.append(name)
            line = f"did not get ready within {seconds:g} s"
        place = len(brought.added) + len(brought.reasons) + len(brought.unfinished)
        self._say(f"{place} of {self._total}: {name}@{version}: {line}")

    async def _install_again(self, name: str, version: str) -> Resolved:
        """Raises CannotInstall, NotAccepted."""
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._install(name, version)
            except RegistryUnreachable as error:
                self._say(f"{name}@{version}: attempt {attempt} of {ATTEMPTS}: {error}")
        return await self._install(name, version)

    async def _install(self, name: str, version: str) -> Resolved:
        """Raises CannotInstall, NotAccepted."""
        resolved = await resolved_for(self._store, name, version, accepts=self._accepts)
        if not self._store.has(name, version, resolved.lock):
            aside = self._store.root / ASIDE / f"{name.replace('/', '+')}@{version}"

            def tell(words: str) -> None:
                if not words.startswith("npm has "):  # ten lines each
                    self._say(f"{name}@{version}: {words}")

            await put_in_place(Store(aside), resolved, tell=tell)
            await self._keep(Store(aside), name, version)
            await asyncio.to_thread(shutil.rmtree, aside, ignore_errors=True)
        return resolved

    async def _keep(self, aside: Store, name: str, version: str) -> None:
        """Move what is ready into the store, as soon as nobody else changes it."""
        while True:
            try:
                with self._store.changing():
                    self._store.keep(aside.folder(name, version), name, version)
                    return
            except InUse:
                await asyncio.sleep(POLL_SECONDS)


def describe(package: Added) -> str:
    """What is there of a package, and why the rest is not."""
    manifest = package.manifest
    line = f"{len(manifest.nodes)} nodes, {len(manifest.credentials)} types of credentials"
    broken = [f"\n           {each.file}: {each.message.splitlines()[0][:200]}" for each in manifest.broken]
    return (
        line + "".join(broken[:SHOWN]) + (f"\n           and {len(broken) - SHOWN} more" if len(broken) > SHOWN else "")
    )
