"""The row of the list of packages for one that was installed here."""

from app.packages.adding import Added
from app.repository.node_packages import NewNodePackage


def to_store(added: Added) -> NewNodePackage:
    """A package as the list keeps it."""
    resolved = added.resolved
    return NewNodePackage(
        name=resolved.name,
        version=resolved.version,
        integrity=resolved.integrity,
        licence=resolved.licence,
        author_name=added.author_name,
        author_email=added.author_email,
        lock=resolved.lock,
        manifest=added.manifest.to_json(),
        nodes=added.nodes,
        node_types=added.node_types,
    )
