"""The package processes of a worker, as callers outside of a run use them."""

from typing import Any, Protocol

from app.engine.run.context import NodeContext
from app.packages.host import Host
from app.packages.manifest import PackagedCredential
from app.packages.tokens import Tokens

Json = dict[str, Any]


class PackageRuntime(Protocol):
    """Whoever knows the packages of this worker."""

    host: Host
    tokens: Tokens

    def credential(self, name: str) -> PackagedCredential | None:
        """The credential type of that name."""

    def tester(self, credential: str) -> tuple[Json, str] | None:
        """Where the class of a node stands that tries credentials of that type, and its function for it."""

    def credential_types(self, names: list[str]) -> Json:
        """What a process is told of these types."""

    async def describe(self, context: NodeContext) -> Json:
        """What a process is told to run a node. Raises NodeError."""
