"""What to do about a type of node that is not here, as far as its name tells which package it is of."""

import re
from collections.abc import Collection

from app.packages.licences import is_n8n
from app.packages.store import NAME

_OF_A_PACKAGE = re.compile(rf"(?=(?:@[^/]+/)?n8n-nodes-)({NAME.pattern})\.[A-Za-z0-9_]+")
"""By n8n's rule the names of packages of nodes begin like this."""


def package_of(kind: str) -> str | None:
    """The package that a type of node is of; None where its name does not tell."""
    match = _OF_A_PACKAGE.fullmatch(kind)
    return None if match is None else match[1]


def how_to_add(package: str) -> str:
    """How somebody gets a package that is not listed."""
    accepting = " --accept-license" if is_n8n(package) else ""
    return f". It is of the package {package}, which is not installed: `flask packages add {package}{accepting}`"


def advise(kind: str, packages: Collection[str]) -> str:
    """What to do about a type of node that none of these packages has; empty where they should have it."""
    package = package_of(kind)
    return "" if package is None or package in packages else how_to_add(package)


def how_to_wait(package: str, reason: str | None) -> str:
    """Why a package that is listed is not on this worker."""
    why = f": {reason}" if reason else ""
    return f". This worker has not got the package {package} yet, and tries again every minute{why}"
