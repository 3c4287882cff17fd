"""The node types: one module each (or a tight family), found by being in this folder, and those of other packages.

To add a node here, add a module that decorates an async function with `node` (app.engine.sdk tells what else there is).

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
from functools import cache
from importlib.metadata import entry_points

from app.engine.run import registry
from app.engine.run.node_types import NodeTypes

GROUP = "executions.nodes"


class InvalidNodePackage(Exception):
    """An installed package announces node types that cannot be loaded. The message names it and says why."""


@cache
def load() -> NodeTypes:
    """The node types that can run: those of every module of this package and of the modules that others announce.

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
    return registry.registered
