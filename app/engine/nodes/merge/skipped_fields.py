"""The fields that Compare Datasets does not compare: whole ones, and, by paths, fields in others."""

from typing import Any

from app.engine.run.errors import NodeError
from app.engine.values import paths

HAS_DOT = "Dot notation is disabled, but field to skip comparing '{}' contains dot"
NO_OBJECT = "The field '{}' in item 0 is not an object. It is not possible to use dot notation."


class SkippedFields:
    """`whole` has names of fields; `within`, by the name of a field, the paths in it, each behind that name."""

    def __init__(self, names: list[str], dots: bool) -> None:
        """Raises NodeError for a path where paths are switched off (not `dots`)."""
        self.whole = set(names)
        self.within: dict[str, list[str]] = {}
        for name in names:
            if not dots and "." in name:
                raise NodeError(HAS_DOT.format(name), anonymous=True)
            if dots and len(parts := paths.split(name)) > 1:
                self.within.setdefault(parts[0], []).append(name)

    def trim(self, name: str, json: dict[str, Any]) -> Any:
        """The field without what is skipped in it; MISSING where it is not there."""
        if name not in json:
            return paths.MISSING
        trimmed = {name: json[name]}
        for path in self.within[name]:
            paths.remove(trimmed, path)
        return trimmed[name]

    def split(self, name: str, json: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The field without what is skipped in it, and that alone. Raises NodeError for one that has no fields."""
        if not isinstance(json.get(name), dict | list | None):
            raise NodeError(NO_OBJECT.format(name), anonymous=True)
        field = {name: json.get(name)}
        alone: dict[str, Any] = {name: {}}
        for path in self.within[name]:
            value = paths.get(field, path, paths.MISSING)
            paths.put(alone, path, None if value is paths.MISSING else value)
            if value is paths.MISSING:
                paths.remove(alone, path)
        trimmed = self.trim(name, json)
        return None if trimmed is paths.MISSING else trimmed, alone[name]
