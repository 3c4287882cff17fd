"""The node types: one module each (or a tight family), found by being in this folder, and those of other packages.

To add a node here, add a module that decorates an async function with `app.engine.run.registry.node`.

To add one from another package, write the same kind of module there and name it in that package's entry points:

    [options.entry_points]
    executions.nodes =
        acme = acme_nodes.greet

Where that package is installed, the module is imported when the program starts. Its node types are named in full
(`acme.greet`); a name that is taken already, and a module that cannot be imported, stop the start with an
InvalidNodePackage that names the package. tests/engine/third_party/ holds a whole example.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

from app.engine.run import registry

GROUP = "executions.nodes"


class InvalidNodePackage(Exception):
    """An installed package announces node types that cannot be loaded. The message names it and says why."""


@cache
def load() -> None:
    """Import every module of this package and of those that announce some, so that their types are registered.

    Raises InvalidNodePackage.
    """
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    for announced in entry_points(group=GROUP):
        try:
            announced.load()
        except Exception as error:
            package = announced.dist.name if announced.dist is not None else "an unknown package"
            raise InvalidNodePackage(
                f"The nodes '{announced.name}' of {package} ({announced.value}) cannot be loaded: {error}"
            ) from error


def node_types() -> Mapping[str, tuple[float, ...]]:
    """Every node type that can run, with its versions."""
    load()
    return registry.known_versions()
