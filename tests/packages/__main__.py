"""`make check-packages`: packages from npm load, or say why not; and how many templates consist of what loads.

The 80 public packages of public.txt always; with ACCEPT_N8N_LICENSE=1, which accepts n8n's Sustainable Use License,
also n8n-nodes-base and @n8n/n8n-nodes-langchain, and those of the public ones that bring packages of n8n's. All of them
are kept in the user's cache (PACKAGES_CACHE). Operations of n8n-nodes-base are compared with what a real n8n did, or
does where N8N names the folder of one (tests/packages/comparing.py), and cases with sub-nodes with what it recorded
(tests/ai/check.py). Each part has a time of its own, the whole an hour.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.engine import nodes
from app.engine.run.node_types import TOOL, NodeTypes
from app.packages.adding import Added, node_types
from app.packages.store import Store
from tests.packages.bringing import Bringing, Brought
from tests.packages.cache import cache_folder, public_packages
from tests.packages.check import PACKAGE, VERSION
from tests.packages.popular import BASE
from tests.packages.popular import VERSION as BASE_VERSION
from tests.templates import database

ACCEPT = "ACCEPT_N8N_LICENSE"
OF_N8N = ((BASE, BASE_VERSION), (PACKAGE, VERSION))
LANGCHAIN = f"{PACKAGE}."
SHOWN = 15
LIMITS = {"": 900.0, BASE: 1_800.0, PACKAGE: 1_800.0}
"""Seconds in which a package is there."""
BRING_SECONDS = 2_400.0
PARTS = {
    "operations compared with a real n8n's": ("tests.packages.comparing", BASE, 900.0),
    "cases with sub-nodes compared with a real n8n's": ("tests.packages.check", PACKAGE, 600.0),
}
"""By what they are: module, the package that it needs, and seconds."""
HOUR = 3_600.0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.packages", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="this package")
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    accepts = bool(os.environ.get(ACCEPT))
    wanted = [*public_packages(), *(OF_N8N if accepts else ())]
    if chosen.only:
        wanted = [each for each in wanted if each[0] in chosen.only]
    print(f"{len(wanted)} packages, kept in {cache_folder()}")
    bringing = Bringing(Store(cache_folder()), accepts=accepts, say=lambda line: say(began, line))
    brought = asyncio.run(bringing.bring(wanted, LIMITS, BRING_SECONDS))
    report(brought)
    found = brought.added
    failed = bool(brought.unfinished) or any(found[name].manifest.broken for name, _ in OF_N8N if name in found)
    if accepts and not chosen.only:
        report_templates(found)
        for what, (module, needed, seconds) in PARTS.items():
            if needed not in found:
                say(began, f"{what}: not without {needed}")
                failed = True
                continue
            say(began, f"{what}, in at most {seconds:g} s")
            failed |= not run_part(module, min(seconds, HOUR - (time.monotonic() - began)))
    say(began, "done, and something is to be looked at" if failed else "done")
    return int(failed)


def say(began: float, line: str) -> None:
    """A line of progress, with the minutes and seconds since the beginning."""
    passed = int(time.monotonic() - began)
    print(f"[{passed // 60:2}:{passed % 60:02}] {line}", flush=True)


def run_part(module: str, seconds: float) -> bool:
    """Run a part in a process of its own, and whether it went well; recording anew from a real n8n has no limit."""
    began = time.monotonic()
    try:
        ended = subprocess.run(
            [sys.executable, "-m", module], timeout=None if os.environ.get("N8N") else max(1, seconds), check=False
        )
    except subprocess.TimeoutExpired:
        print(f"{module} did not end within {seconds:g} s")
        return False
    print(f"{module} took {time.monotonic() - began:.0f} s", flush=True)
    return ended.returncode == 0


def report(brought: Brought) -> None:
    """How many load, and why the others do not."""
    found = brought.added
    whole = [name for name, package in found.items() if not package.manifest.broken]
    kinds = Counter(kind for package in found.values() for node in package.manifest.nodes for kind in node.runs)
    line = f"{len(whole)} packages load whole, {len(found) - len(whole)} in part, {len(brought.reasons)} not at all"
    print(f"\n{line}")
    if brought.unfinished:
        print(f"the time was too short for {', '.join(brought.unfinished)}: run it again, what is there is kept")
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
