"""The node types: one module each (or a tight family), found by being in this folder.

To add a node, add a module here that decorates an async function with `app.engine.registry.node`.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from app.engine import registry


@cache
def load() -> None:
    """Import every module of this package, so that its node types are registered."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


def node_types() -> Mapping[str, tuple[float, ...]]:
    """Every node type that can run, with its versions."""
    load()
    return registry.known_versions()
