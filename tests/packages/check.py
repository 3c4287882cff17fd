"""The cases with n8n's AI nodes, run with the real package: `python -m tests.packages.check [NAME...]`.

`@n8n/n8n-nodes-langchain` is under n8n's own licence: it is fetched only where ACCEPT_N8N_LICENSE=1 says that whoever
runs this accepts it. What is fetched stays in the cache (PACKAGES_CACHE).
"""

import asyncio
import os
import sys

from app.packages.store import Store
from tests.ai.check import PACKAGE, check
from tests.packages.cache import cache_folder, installed

VERSION = "2.40.3"
"""The one that wrote the recorded cases."""


async def main(names: list[str]) -> int:
    if not os.environ.get("ACCEPT_N8N_LICENSE"):
        print(f"{PACKAGE} is under n8n's Sustainable Use License: read it, and set ACCEPT_N8N_LICENSE=1 to go on.")
        return 1
    store = Store(cache_folder())
    await installed(store, PACKAGE, VERSION, accepts=True)
    different = await check(store.folder(PACKAGE, VERSION) / "node_modules", names)
    print(f"{different} cases differ from n8n" if different else "Every case is equal to n8n's")
    return min(1, different)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
