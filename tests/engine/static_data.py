"""Static data of a workflow that a test hands to a run."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ContestedStaticData:
    """Static data that others change while the first `others` programs run; its count begins at 10."""

    def __init__(self, others: int) -> None:
        self.kept = {"global": b'{"count":10}'}
        self.others = others

    async def read(self) -> dict[str, bytes]:
        return dict(self.kept)

    async def replace(self, before: dict[str, bytes], after: dict[str, bytes]) -> bool:
        if self.others:
            self.others -= 1
            self.kept = {"global": b'{"count":%d}' % (json.loads(self.kept["global"])["count"] + 1)}
        if before != self.kept:
            return False
        self.kept |= after
        return True

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        yield
