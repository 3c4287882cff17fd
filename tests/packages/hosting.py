"""Calls to processes of packages, made directly: programs in the node Script of the sample package."""

import asyncio
from typing import Any

from app.packages.host import Host
from tests.packages.running import SAMPLE

QUICK = "return [[{ json: { quick: true } }]]"


def call_of(code: str) -> dict[str, Any]:
    package = {"folder": str(SAMPLE), "file": "nodes/Script.node.js", "className": "Script", "version": 1}
    return {"kind": "execute", "package": package, "parameters": {"code": code}, "node": {}, "items": [[{"json": {}}]]}


def with_host(work: Any, **limits: Any) -> Any:
    async def main() -> Any:
        async with Host(SAMPLE, **limits) as host:
            return await work(host)

    return asyncio.run(main())
