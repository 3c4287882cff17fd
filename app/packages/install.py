"""npm, as packages are installed with it: the one of the bundled Node.js, without any script of a package.

Two steps: `resolve` finds out which version is meant, and by which exact versions of what else it is accompanied;
`fetch` brings all of that into a folder and checks each file against its hash. Both read the npmrc of the user, so a
registry, a proxy or a certificate that is set there is used, as npm does it.
"""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.packages.addresses import OPTION, has_scopes, scopes_elsewhere, with_addresses
from app.packages.errors import CannotInstall, NotTheVersion, NotWritten, RegistryUnreachable, UnknownPackage
from app.packages.licences import UNSAID, is_n8n, licence_text
from app.packages.npm import Tell, run_npm
from app.packages.store import LOCK, NAME, VERSION

RESOLVE_SECONDS = 900.0
FETCH_SECONDS = 1_500.0
MAX_LOCK_BYTES = 16 * 2**20
MAX_ROUNDS = 3
"""So often what is wanted beside packages is looked for, as it may want more itself."""
MAX_PEERS = 20
RANGE = re.compile(r"[0-9A-Za-z.^~<>=|* +-]{1,100}")
"""Versions of a registry's, and no address."""

FETCHED = re.compile(r" http fetch GET 200 (\S+\.tgz) ")
"""What npm says of a file that has come; of one that may be in its cache it speaks before it looks."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """An exact version of a package with all that comes with it. `lock` is npm's package-lock.json."""

    name: str
    version: str
    integrity: str
    licence: str
    lock: str


def check_name(name: str) -> None:
    """Raises UnknownPackage for what is no name of a package."""
    if not NAME.fullmatch(name):
        raise UnknownPackage(
            f"{name} is not the name of an npm package: names look like n8n-nodes-example or @example/nodes"
        )


def check_version(version: str) -> None:
    """Raises NotTheVersion for what npm would not take as a version or a tag, such as an address."""
    if not (VERSION.fullmatch(version) or (version.isascii() and version.isalpha() and len(version) <= 50)):
        raise NotTheVersion(f"{version} is not a version of a package: give one like 1.2.3, or a tag such as latest")


async def resolve(name: str, version: str = "latest", *, tell: Tell) -> Resolved:
    """Find out what is to be installed. Raises CannotInstall."""
    check_name(name)
    check_version(version)
    with tempfile.TemporaryDirectory(prefix="npm-") as made:
        folder = Path(made)
        # without a name npm writes that of the folder into the lock, and no two locks of a version are equal
        (folder / "package.json").write_text('{"private":true,"name":"packages"}')
        wanted = f"{name}@{version}"
        options = _peers(name)
        command = ["install", wanted, "--package-lock-only", "--save-exact", *options]
        looked = 0

        def progress(line: str) -> None:
            nonlocal looked
            if " http fetch " in line or " http cache " in line:
                looked += 1
                if looked % 50 == 0:
                    tell(f"npm has looked at {looked} packages")

        await run_npm(command, folder, wanted, RESOLVE_SECONDS, progress, tell, patient=False)
        lock = (folder / LOCK).read_text("utf-8")
        for _ in range(MAX_ROUNDS if options else 0):
            if not (more := missing_peers(lock)):
                break
            try:
                command = ["install", *more, "--package-lock-only", "--save-exact", *options]
                await run_npm(command, folder, wanted, RESOLVE_SECONDS, progress, tell)
            except CannotInstall as error:
                tell(f"without {', '.join(more)}: {error}")
                break
            lock = (folder / LOCK).read_text("utf-8")
        return _read_lock(name, lock)


async def read_licence(name: str, version: str, *, tell: Tell) -> str:
    """What a package says of its own licence, asked of the registry without anything else. Raises CannotInstall."""
    check_name(name)
    check_version(version)
    with tempfile.TemporaryDirectory(prefix="npm-") as folder:
        wanted = f"{name}@{version}"
        command = ["view", wanted, "license"]
        said = await run_npm(command, Path(folder), wanted, RESOLVE_SECONDS, lambda _: None, tell, patient=False)
    try:
        return licence_text(json.loads(said))
    except ValueError:
        return UNSAID


async def fetch(resolved: Resolved, folder: Path, *, tell: Tell) -> None:
    """Install just that into an empty folder. Raises CannotInstall."""
    wanted = f"{resolved.name}@{resolved.version}"
    packages = json.loads(resolved.lock)["packages"]
    dependencies = {**packages.get("", {}).get("dependencies", {}), resolved.name: resolved.version}
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": dependencies}))
    count = len(packages) - 1
    seen: set[str] = set()

    def progress(line: str) -> None:
        fetched = FETCHED.search(line)
        if fetched is not None and fetched[1] not in seen:
            seen.add(fetched[1])
            if len(seen) % max(1, count // 10) == 0:
                tell(f"npm has {len(seen)} of {count} packages")

    async def install(lock: str, *options: str) -> None:
        (folder / LOCK).write_text(lock, "utf-8")
        command = ["ci", "--prefer-offline", *options, *_peers(resolved.name)]
        await run_npm(command, folder, wanted, FETCH_SECONDS, progress, tell)

    settings = b"{}"
    if has_scopes(resolved.lock):
        settings = await run_npm(["config", "list"], folder, wanted, RESOLVE_SECONDS, progress, tell)
    try:
        await install(with_addresses(resolved.lock, scopes_elsewhere(json.loads(settings))), OPTION)
    except (RegistryUnreachable, NotWritten):
        raise
    except CannotInstall:
        seen.clear()  # this registry may have files in other places, which it is asked for
        await install(resolved.lock)
    (folder / LOCK).write_text(resolved.lock, "utf-8")
    if not (folder / "node_modules" / resolved.name / "package.json").is_file():
        raise CannotInstall(f"npm has installed {wanted} without its package.json: tell its authors")


def _peers(name: str) -> tuple[str, ...]:
    """What community packages want beside them is above all n8n, in whose place this program stands."""
    return () if is_n8n(name) else ("--legacy-peer-deps",)


def missing_peers(lock: str) -> list[str]:
    """What the packages of a lock want beside them and do not find there, but for n8n: `name@range`, at most 20."""
    packages = json.loads(lock)["packages"]
    there = {place.rpartition("node_modules/")[2] for place in packages}
    wanted: dict[str, str] = {}
    for entry in packages.values():
        optional = entry.get("peerDependenciesMeta") or {}
        for name, versions in (entry.get("peerDependencies") or {}).items():
            if name in there or is_n8n(name) or (optional.get(name) or {}).get("optional"):
                continue
            if NAME.fullmatch(name) and isinstance(versions, str) and RANGE.fullmatch(versions):
                wanted.setdefault(name, f"{name}@{versions}")
    return list(wanted.values())[:MAX_PEERS]


def _read_lock(name: str, lock: str) -> Resolved:
    if len(lock) > MAX_LOCK_BYTES:
        raise CannotInstall(f"{name} comes with more packages than can be installed here")
    entry = json.loads(lock)["packages"].get(f"node_modules/{name}", {})
    version, integrity = entry.get("version"), entry.get("integrity")
    if not (isinstance(version, str) and VERSION.fullmatch(version) and isinstance(integrity, str)):
        raise CannotInstall(f"The registry names no exact version and hash of {name}")
    return Resolved(name, version, integrity, licence_text(entry.get("license")), lock)
