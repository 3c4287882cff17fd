"""What an item keeps once a file of it was read; the option `keepSource` asks for more."""

from typing import Any

from app.engine.run.groups import as_group


def keeps_fields(parameters: dict[str, Any]) -> bool:
    """Whether the item's own fields stay beside what was read."""
    return _kept_source(parameters) not in (None, "binary")


def kept_files(files: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """The item's files: without the one that was read, unless it is to stay, too."""
    if _kept_source(parameters) in ("binary", "both"):
        return files
    return {name: file for name, file in files.items() if name != parameters.get("binaryPropertyName", "data")}


def _kept_source(parameters: dict[str, Any]) -> Any:
    return as_group(parameters.get("options")).get("keepSource") or None
