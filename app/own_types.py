"""The node types that this program runs itself, in this installation: without those that are left to a package."""

from app.engine import nodes
from app.engine.run.node_types import NodeTypes
from app.settings import Settings


def own_types(settings: Settings) -> NodeTypes:
    """A copy of them, whose `further` ones are to be those of packages."""
    return nodes.load().copy(settings.packaged_nodes)
