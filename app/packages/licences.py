"""Which packages need their licence accepted: those of n8n itself are not open source."""

import json
from collections.abc import Iterator

N8N = ("n8n", "n8n-core", "n8n-editor-ui", "n8n-nodes-base", "n8n-workflow")
"""What n8n publishes under its Sustainable Use License, besides nearly all that is named @n8n/..."""
TERMS = "n8n's Sustainable Use License (internal business use, or use that is not commercial; read it in the package)"
UNSAID = "none named"
OPEN = ("MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD")


def restricted_packages(lock: str) -> list[str]:
    """The packages among those of a package-lock.json that are under n8n's Sustainable Use License."""
    return sorted({name for name, licence in locked_packages(lock) if is_restricted(name, licence)})


def locked_packages(lock: str) -> Iterator[tuple[str, str]]:
    """Name and licence of each package of a package-lock.json."""
    for place, entry in json.loads(lock)["packages"].items():
        if place:
            yield entry.get("name") or place.rpartition("node_modules/")[2], licence_text(entry.get("license"))


def is_n8n(name: str) -> bool:
    """Whether n8n publishes a package of this name."""
    return name in N8N or name.startswith(("@n8n/", "@n8n_io/"))


def licence_text(licence: object) -> str:
    """A licence as packages name it: a text, or an object in old ones."""
    if isinstance(licence, dict):
        licence = licence.get("type")
    return licence[:200] if isinstance(licence, str) and licence else UNSAID


def is_restricted(name: str, licence: str) -> bool:
    """Whether a package that says this of its licence is under n8n's Sustainable Use License."""
    said = any(word in licence.lower() for word in ("sustainable", "licenseref-n8n"))
    return said or (is_n8n(name) and licence not in OPEN)
