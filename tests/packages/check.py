"""Packages that `make test` does not install, tried here: `python -m tests.packages.check`.

`@n8n/n8n-nodes-langchain` is under n8n's own licence: it is fetched only where ACCEPT_N8N_LICENSE=1 says that whoever
runs this accepts it. What is fetched stays in PACKAGES_CACHE (~/.cache/executions-api/packages).
"""

import asyncio
import os
import sys
from pathlib import Path

from app.packages.install import fetch, resolve
from tests.ai.check import PACKAGE, check

VERSION = "2.40.3"
"""The one that wrote the recorded cases."""


async def _folder() -> Path:
    """The node_modules with the package, fetched if it is not there yet."""
    cache = Path(os.environ.get("PACKAGES_CACHE") or Path.home() / ".cache" / "executions-api" / "packages")
    folder = cache / f"{PACKAGE.replace('/', '+')}@{VERSION}"
    if not (folder / ".complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        await fetch(await resolve(PACKAGE, VERSION, tell=print), folder, tell=print)
        (folder / ".complete").touch()
    return folder / "node_modules"


async def main(names: list[str]) -> int:
    if not os.environ.get("ACCEPT_N8N_LICENSE"):
        print(f"{PACKAGE} is under n8n's Sustainable Use License: read it, and set ACCEPT_N8N_LICENSE=1 to go on.")
        return 1
    different = await check(await _folder(), names)
    print(f"{different} cases differ from n8n" if different else "Every case is equal to n8n's")
    return min(1, different)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
