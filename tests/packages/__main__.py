"""`make check-packages`: packages from npm load, or say why not; and how many templates consist of what loads.

The 80 public packages of public.txt always; with ACCEPT_N8N_LICENSE=1, which accepts n8n's Sustainable Use License,
also n8n-nodes-base and @n8n/n8n-nodes-langchain, and those of the public ones that bring packages of n8n's. All of them
are kept in the user's cache (PACKAGES_CACHE). Operations of n8n-nodes-base are compared with what a real n8n did, or
does where N8N names the folder of one (tests/packages/comparing.py).
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.engine import nodes
from app.engine.run.node_types import TOOL, NodeTypes
from app.packages.adding import Added, node_types, read
from app.packages.errors import CannotInstall
from app.packages.store import Store
from tests.packages import comparing
from tests.packages.cache import NotAccepted, cache_folder, installed, public_packages
from tests.templates import database

ACCEPT = "ACCEPT_N8N_LICENSE"
OF_N8N = (("n8n-nodes-base", "2.40.2"), ("@n8n/n8n-nodes-langchain", "2.40.2"))
LANGCHAIN = "@n8n/n8n-nodes-langchain."
SHOWN = 15


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.packages", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="this package")
    chosen = parser.parse_args(arguments)
    accepts = bool(os.environ.get(ACCEPT))
    wanted = [*public_packages(), *(OF_N8N if accepts else ())]
    if chosen.only:
        wanted = [each for each in wanted if each[0] in chosen.only]
    store = Store(cache_folder())
    print(f"{len(wanted)} packages, kept in {cache_folder()}")
    found: dict[str, Added] = {}
    reasons: dict[str, str] = {}
    for place, (name, version) in enumerate(wanted, 1):
        print(f"{place} of {len(wanted)}: {name}@{version}", flush=True)
        began = time.monotonic()
        try:
            found[name] = asyncio.run(bring(store, name, version, accepts))
            line = describe(found[name])
        except (CannotInstall, NotAccepted) as error:
            reasons[name] = line = str(error)
        print(f"{time.monotonic() - began:5.1f} s  {line}", flush=True)
    report(found, reasons)
    if accepts and not chosen.only:
        report_templates(found)
    different = 0
    if accepts and not chosen.only:
        different = comparing.main([])
    return int(different or any(found[name].manifest.broken for name, _ in OF_N8N if name in found))


async def bring(store: Store, name: str, version: str, accepts: bool) -> Added:
    """A package with what it offers, installed where it is not. Raises CannotInstall, NotAccepted."""
    resolved = await installed(store, name, version, accepts=accepts)
    return await read(resolved, store.package(name, version))


def describe(package: Added) -> str:
    """What is there of a package, and why the rest is not."""
    manifest = package.manifest
    line = f"{len(manifest.nodes)} nodes, {len(manifest.credentials)} types of credentials"
    broken = [f"\n           {each.file}: {each.message.splitlines()[0][:200]}" for each in manifest.broken]
    return (
        line + "".join(broken[:SHOWN]) + (f"\n           and {len(broken) - SHOWN} more" if len(broken) > SHOWN else "")
    )


def report(found: dict[str, Added], reasons: dict[str, str]) -> None:
    """How many load, and why the others do not."""
    whole = [name for name, package in found.items() if not package.manifest.broken]
    kinds = Counter(kind for package in found.values() for node in package.manifest.nodes for kind in node.runs)
    print(f"\n{len(whole)} packages load whole, {len(found) - len(whole)} in part, {len(reasons)} not at all")
    print("nodes by what they do:", ", ".join(f"{kind} {number}" for kind, number in kinds.most_common()))
    for name, _ in OF_N8N:
        if name in found:
            print(f"{name}: {len(found[name].manifest.nodes)} of {listed(found[name])} node files load")


def listed(package: Added) -> int:
    """How many node files its package.json lists."""
    folder = Store(cache_folder()).package(package.resolved.name, package.resolved.version)
    return len(json.loads((folder / "package.json").read_text())["n8n"]["nodes"])


def report_templates(found: dict[str, Added]) -> None:
    """Of how many published templates all types of nodes load."""
    own = nodes.load()
    names = Path(database.fetch(database.cache_folder()))
    types = [types_of(template.nodes) for template in database.read(names)]
    print(f"\n{len(types)} templates")
    packages = {kind for package in found.values() for kind in node_types(package.manifest)}
    base = {kind for kind in packages if not kind.startswith(LANGCHAIN)}
    for what, known in (("our own nodes", set()), ("and packages without AI", base), ("and all packages", packages)):
        whole = sum(all(is_known(kind, own, known) for kind in each) for each in types)
        print(f"consist of {what}: {whole} ({whole / len(types):.1%})")
    missing = Counter(kind for each in types for kind in each if not is_known(kind, own, packages))
    print("most missed:", ", ".join(f"{kind} {number}" for kind, number in missing.most_common(SHOWN)))


def is_known(kind: str, own: NodeTypes, packages: set[str]) -> bool:
    """Whether a type of nodes is there, be it as a tool."""
    return kind in own or kind in packages or (kind.endswith(TOOL) and kind.removesuffix(TOOL) in packages)


def types_of(found: Iterable[dict[str, object]]) -> set[str]:
    """The types of the nodes of a template."""
    return {str(node.get("type")) for node in found}


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except database.DatabaseMissing as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit("stopped early")
