"""What a node package offers, as it is kept: its node types and credential types, and what of it cannot be loaded.

A package is read once (app.packages.catalogue); from then on its manifest stands for it wherever its files are not.
Descriptions are n8n's own documents, as the package gives them, without the functions in them. Large ones stay text
until somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

import msgspec
import orjson

FORMAT = 1
MAX_BYTES = 24 * 2**20
"""Bytes of a manifest; that of n8n-nodes-base, the largest package that is known, has 9 million."""
BOUNDS = {
    "files": 5_000,
    "bytes": MAX_BYTES,
    "values": 2_000_000,
    "fileBytes": 4 * 2**20,
    "fileValues": 100_000,
    "versions": 1_000,
}
"""How many files a package may have, how much they may describe in all and one of them, and in how many versions: what
they describe is kept in the memory of each process. Those of n8n-nodes-base have 460,000 values, one of them 42,000."""
MAX_FAMILY = 20
"""So many types of credentials one type may extend, itself counted; more say nothing."""
Document = dict[str, Any]


class InvalidManifest(ValueError):
    """What should be a manifest is none, or of another format."""


class Description(msgspec.Struct, frozen=True, dict=True):
    """One description of a node type, and the versions that it describes."""

    versions: tuple[float, ...]
    description: msgspec.Raw

    @cached_property
    def text(self) -> bytes:
        """JSON: displayName, properties, credentials, inputs, outputs, webhooks, polling, requestDefaults, ..."""
        return bytes(self.description)

    @property
    def document(self) -> Document:
        """What the text says; it is shared, so nobody may change it."""
        return _parse(self.text)


class PackagedNode(msgspec.Struct, frozen=True, rename="camel"):
    """A node type: `type` is its name in workflows, `file` and `class_name` where its class stands in the package.

    `runs` names what the class has: execute, routing (it is described, not programmed), webhook, poll, trigger,
    supplyData. `methods` names its functions by kind (loadOptions, listSearch, resourceMapping, credentialTest,
    actionHandler), `webhook_methods` those of its webhooks' life cycle. `tool`: an agent may use it.
    """

    type: str
    file: str
    class_name: str
    descriptions: tuple[Description, ...]
    runs: tuple[str, ...]
    methods: dict[str, tuple[str, ...]] = {}
    webhook_methods: dict[str, tuple[str, ...]] = {}
    tool: bool = False

    @property
    def versions(self) -> tuple[float, ...]:
        """All versions, in order."""
        return tuple(sorted(version for each in self.descriptions for version in each.versions))

    def description(self, version: float) -> Document | None:
        """The description of a version; None where there is no such version."""
        return next((each.document for each in self.descriptions if version in each.versions), None)

    def tester(self, credential: str) -> tuple[float, str] | None:
        """Its version and its function that try credentials of that type; None where it has none for them."""
        functions = self.methods.get("credentialTest", ())
        for description in self.descriptions if functions else ():
            for declared in description.document.get("credentials") or []:
                function = declared.get("testedBy") if isinstance(declared, dict) else None
                if isinstance(function, str) and function in functions and declared.get("name") == credential:
                    return description.versions[0], function
        return None


class PackagedCredential(msgspec.Struct, frozen=True, rename="camel"):
    """A credential type. `authenticate` is how it proves itself: described, "function" (programmed) or None.

    `pre_authentication`: it fetches something that expires, such as a token, before it is used. `test` is a request
    that tries it, as n8n describes one.
    """

    name: str
    display_name: str
    file: str
    class_name: str
    extends: tuple[str, ...] = ()
    properties: tuple[Document, ...] = ()
    authenticate: Document | str | None = None
    pre_authentication: bool = False
    test: Document | None = None


Find = Callable[[str], PackagedCredential | None]
"""The type of that name, where a package has it."""


def family_of(credential: PackagedCredential, find: Find) -> list[PackagedCredential]:
    """The type and all that it extends, each once: what a type extends comes before what stands behind it."""
    family: dict[str, PackagedCredential] = {}
    waiting = [credential]
    while waiting and len(family) < MAX_FAMILY:
        each = waiting.pop(0)
        if each.name not in family:
            family[each.name] = each
            waiting[:0] = [parent for name in dict.fromkeys(each.extends) if (parent := find(name)) is not None]
    return list(family.values())


class Broken(msgspec.Struct, frozen=True):
    """A file of a package that cannot be loaded, and why."""

    file: str
    message: str


class Manifest(msgspec.Struct, frozen=True):
    """What a package offers."""

    nodes: tuple[PackagedNode, ...] = ()
    credentials: tuple[PackagedCredential, ...] = ()
    broken: tuple[Broken, ...] = ()

    def node(self, name: str) -> PackagedNode | None:
        """The node type of that name."""
        return next((each for each in self.nodes if each.type == name), None)

    def credential(self, name: str) -> PackagedCredential | None:
        """The credential type of that name."""
        return next((each for each in self.credentials if each.name == name), None)

    def to_json(self) -> bytes:
        """The manifest as it is stored."""
        return _encoder.encode(_Stored(FORMAT, self.nodes, self.credentials, self.broken))

    @classmethod
    def from_json(cls, text: bytes | str) -> Manifest:
        """The manifest that was stored, or that a host has written. Raises InvalidManifest."""
        if len(text) > MAX_BYTES:
            raise InvalidManifest(f"The manifest has {len(text):,} bytes; {MAX_BYTES:,} are allowed")
        try:
            stored = _decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise InvalidManifest(f"This is not a manifest of a node package: {error}") from error
        if stored.format != FORMAT:
            raise InvalidManifest(f"The manifest has format {stored.format}; this program reads format {FORMAT}")
        return cls(stored.nodes, stored.credentials, stored.broken)


class _Stored(msgspec.Struct):
    format: int
    nodes: tuple[PackagedNode, ...]
    credentials: tuple[PackagedCredential, ...]
    broken: tuple[Broken, ...]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Stored)


@lru_cache(maxsize=64)
def _parse(text: bytes) -> Document:
    document: Document = orjson.loads(text)
    return document
