"""Files that nodes write under the name that their options give: the name tells what kind of file it is."""

from typing import Any

from app.binary_files import mime_type_of, named_file
from app.engine.nodes.shared.value_names import received
from app.engine.run.errors import NodeError
from app.engine.values import conversions
from app.engine.values.conversions import Undefined


def written_file(content: bytes, options: dict[str, Any], default: str, otherwise: str | None = None) -> dict[str, Any]:
    """The file as it stands in an item's `binary`; `otherwise` is its MIME type where the name tells none."""
    given = options.get("fileName", default)
    name = path_of(default if isinstance(given, Undefined) else given, "")
    return named_file(content, name, mime_type_of(name) or otherwise)


def path_of(given: Any, otherwise: str) -> str:
    """The path that a file's name is; `otherwise` where there is none. Raises NodeError."""
    if not conversions.truthy(given):
        return otherwise
    if isinstance(given, str):
        return given
    raise NodeError(f'The "path" argument must be of type string. Received {received(given)}')
