"""What a node package offers, as it is kept: its node types and credential types, and what of it cannot be loaded.

A package is read once (app.packages.catalogue); from then on its manifest stands for it wherever its files are not.
Descriptions are n8n's own documents, as the package gives them, without the functions in them. Large ones stay text
until somebody asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec
import orjson

FORMAT = 1
Document = dict[str, Any]


class InvalidManifest(ValueError):
    """What should be a manifest is none, or of another format."""


@dataclass(frozen=True, slots=True)
class Description:
    """One description of a node type, and the versions that it describes."""

    versions: tuple[float, ...]
    text: bytes
    """JSON: displayName, properties, credentials, inputs, outputs, webhooks, polling, requestDefaults, ..."""

    @property
    def document(self) -> Document:
        """What the text says; it is shared, so nobody may change it."""
        return _parsed(self.text)


@dataclass(frozen=True, slots=True)
class PackagedNode:
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
    methods: dict[str, tuple[str, ...]] = field(default_factory=dict)
    webhook_methods: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tool: bool = False

    @property
    def versions(self) -> tuple[float, ...]:
        """All versions, in order."""
        return tuple(sorted(version for each in self.descriptions for version in each.versions))

    def description(self, version: float) -> Document | None:
        """The description of a version; None where there is no such version."""
        return next((each.document for each in self.descriptions if version in each.versions), None)


@dataclass(frozen=True, slots=True)
class PackagedCredential:
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
    generic: bool = False
    documentation_url: str | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A file of a package that cannot be loaded, and why."""

    file: str
    message: str


@dataclass(frozen=True, slots=True)
class Manifest:
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
        stored = _Stored(
            FORMAT,
            [_store_node(each) for each in self.nodes],
            [_store_credential(each) for each in self.credentials],
            [_StoredBroken(each.file, each.message) for each in self.broken],
        )
        return _encoder.encode(stored)

    @classmethod
    def from_json(cls, text: bytes | str) -> Manifest:
        """The manifest that was stored, or that a host has written. Raises InvalidManifest."""
        try:
            stored = _decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise InvalidManifest(f"This is no manifest of a node package: {error}") from error
        if stored.format != FORMAT:
            raise InvalidManifest(f"The manifest has format {stored.format}; this program reads format {FORMAT}")
        return cls(
            tuple(_read_node(each) for each in stored.nodes),
            tuple(_read_credential(each) for each in stored.credentials),
            tuple(Broken(each.file, each.message) for each in stored.broken),
        )


class _StoredDescription(msgspec.Struct):
    versions: list[float]
    description: msgspec.Raw


class _StoredNode(msgspec.Struct, rename="camel"):
    type: str
    file: str
    class_name: str
    descriptions: list[_StoredDescription]
    runs: list[str]
    methods: dict[str, list[str]] = {}
    webhook_methods: dict[str, list[str]] = {}
    tool: bool = False


class _StoredCredential(msgspec.Struct, rename="camel"):
    name: str
    display_name: str
    file: str
    class_name: str
    extends: list[str] = []
    properties: list[Document] = []
    authenticate: Document | str | None = None
    pre_authentication: bool = False
    test: Document | None = None
    generic: bool = False
    documentation_url: str | None = None


class _StoredBroken(msgspec.Struct):
    file: str
    message: str


class _Stored(msgspec.Struct):
    format: int
    nodes: list[_StoredNode]
    credentials: list[_StoredCredential]
    broken: list[_StoredBroken]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Stored)


@lru_cache(maxsize=64)
def _parsed(text: bytes) -> Document:
    document: Document = orjson.loads(text)
    return document


def _store_node(node: PackagedNode) -> _StoredNode:
    return _StoredNode(
        node.type,
        node.file,
        node.class_name,
        [_StoredDescription(list(each.versions), msgspec.Raw(each.text)) for each in node.descriptions],
        list(node.runs),
        {kind: list(names) for kind, names in node.methods.items()},
        {name: list(methods) for name, methods in node.webhook_methods.items()},
        node.tool,
    )


def _read_node(stored: _StoredNode) -> PackagedNode:
    return PackagedNode(
        stored.type,
        stored.file,
        stored.class_name,
        tuple(Description(tuple(each.versions), bytes(each.description)) for each in stored.descriptions),
        tuple(stored.runs),
        {kind: tuple(names) for kind, names in stored.methods.items()},
        {name: tuple(methods) for name, methods in stored.webhook_methods.items()},
        stored.tool,
    )


def _store_credential(credential: PackagedCredential) -> _StoredCredential:
    return _StoredCredential(
        credential.name,
        credential.display_name,
        credential.file,
        credential.class_name,
        list(credential.extends),
        list(credential.properties),
        credential.authenticate,
        credential.pre_authentication,
        credential.test,
        credential.generic,
        credential.documentation_url,
    )


def _read_credential(stored: _StoredCredential) -> PackagedCredential:
    return PackagedCredential(
        stored.name,
        stored.display_name,
        stored.file,
        stored.class_name,
        tuple(stored.extends),
        tuple(stored.properties),
        stored.authenticate,
        stored.pre_authentication,
        stored.test,
        stored.generic,
        stored.documentation_url,
    )
