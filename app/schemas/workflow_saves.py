"""What a save leaves of a workflow as it was: as in n8n, it changes what it names."""

from collections.abc import Mapping
from typing import Any

KEPT = ("pinData", "nodeGroups", "meta", "description")
UNSET = (None, "DEFAULT")
NO_TIMEOUT = -1


def kept_parts(document: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that a saved document does not name, and its settings with those that it does not name.

    A setting that is null or `DEFAULT` ends, and so does an `executionTimeout` of -1, as n8n's editor writes them.
    """
    kept = {part: before[part] for part in KEPT if part in before and part not in document}
    settings = {**_settings(before), **_settings(document)}
    return {**kept, "settings": {name: value for name, value in settings.items() if not _is_unset(name, value)}}


def _settings(document: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a document; none where they are no object, as in a damaged one that was imported."""
    settings = document.get("settings")
    return settings if isinstance(settings, dict) else {}


def _is_unset(name: str, value: Any) -> bool:
    return value in UNSET or (name == "executionTimeout" and value == NO_TIMEOUT)
