"""What stands here for the tags of a package of workflows."""

from dataclasses import dataclass
from typing import Any

from app.api.face.auth import require_all_projects, require_scope
from app.api.face.errors import Refused
from app.repository import tags
from app.repository.connection import Connection
from app.repository.tags import TagRecord


@dataclass(frozen=True, slots=True)
class BoundTags:
    """The tags that workflows get, by their ids in the package, and what the answer tells of them: names by fate."""

    ids: dict[str, str]
    told: dict[str, list[str]]

    def tag_ids_of(self, document: dict[str, Any]) -> list[str]:
        """The ids of the tags that a workflow of the package carries here."""
        named = document.get("tagIds")
        return [self.ids[each] for each in named if each in self.ids] if isinstance(named, list) else []

    def take(self, fate: str, source: str, tag: TagRecord) -> None:
        """Let the tag stand for that of the package."""
        self.ids[source] = tag.id
        self.told[fate].append(tag.name)


def bind_tags(connection: Connection, named: dict[str, str], form: dict[str, Any]) -> BoundTags:
    """What stands for the tags that have these names, by their ids. Raises Refused as the form's policies say."""
    bound = BoundTags({}, {fate: [] for fate in ("matched", "created", "renamed", "reconciled", "skipped")})
    here = tags.find_tags(connection, named) if named else []
    by_id, by_name = {tag.id: tag for tag in here}, {tag.name: tag for tag in here}
    for identifier, name in named.items():
        same, other = by_id.get(identifier), by_name.get(name)
        if same is not None and same.name == name:
            bound.take("matched", identifier, same)
        elif same is not None or other is not None:
            resolve_conflict(connection, bound, identifier, name, same, other, form["tag_conflict_policy"])
        elif form["tag_missing_mode"] == "create":
            require_scope("tag:create")
            made = by_name[name] = tags.create_tag(connection, identifier, name)
            bound.take("created", identifier, made)
        else:
            bound.told["skipped"].append(name)
    return bound


def resolve_conflict(
    connection: Connection,
    bound: BoundTags,
    identifier: str,
    name: str,
    same: TagRecord | None,
    other: TagRecord | None,
    policy: str,
) -> None:
    """Decide about a tag whose id has another name here (`same`), or whose name another id (`other`)."""
    if policy == "skip":
        bound.told["skipped"].append(name)
    elif policy == "fail" or (same is not None and other is not None):
        raise Refused(409, f"The tag {name} has another name or id here")
    elif same is not None:
        require_scope("tag:update")
        require_all_projects()
        bound.take("renamed", identifier, tags.rename_tag(connection, identifier, name))
    elif other is not None:
        bound.take("reconciled", identifier, other)
