"""Where a registry has the files of packages: npm is given their addresses, so that it need not ask for each again.

A lock names no addresses, as each machine has a registry of its own. Nearly all registries have files where npm's has
them. npm puts the registry that is set in the place of STANDING.
"""

import json
from collections.abc import Container
from typing import Any
from urllib.parse import quote

from app.packages.store import NAME, VERSION

STANDING = "registry.invalid"
"""Is no host, and stands for the registry that is set."""
OPTION = f"--replace-registry-host={STANDING}"


def with_addresses(lock: str, scopes: Container[str]) -> str:
    """A package-lock.json that says where files are, but for packages of these scopes (`@example`)."""
    document = json.loads(lock)
    for place, entry in document["packages"].items():
        name, version = entry.get("name") or place.rpartition("node_modules/")[2], entry.get("version")
        if not entry.get("integrity") or "resolved" in entry or name.partition("/")[0] in scopes:
            continue
        if NAME.fullmatch(name) and isinstance(version, str) and VERSION.fullmatch(version):
            entry["resolved"] = address(name, version)
    return json.dumps(document)


def address(name: str, version: str) -> str:
    """Where the file of a package is, at STANDING."""
    file = f"{name.rpartition('/')[2]}-{version}.tgz"
    return f"https://{STANDING}/{quote(name, safe='@/')}/-/{quote(file)}"


def has_scopes(lock: str) -> bool:
    """Whether any package of a lock has the name of an organisation before its own."""
    return any("node_modules/@" in place for place in json.loads(lock)["packages"])


def scopes_elsewhere(settings: dict[str, Any]) -> set[str]:
    """The scopes that have a registry of their own, by what npm says of its settings."""
    return {key.partition(":")[0] for key in settings if key.startswith("@") and key.endswith(":registry")}
