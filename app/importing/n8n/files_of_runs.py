"""Files that n8n keeps beside its database: binary data of items, and run data where it is set to be kept so.

Where n8n keeps them in S3 or Azure, they have the same names as in its storage folder: a copy of the bucket is one.
"""

from dataclasses import dataclass
from pathlib import Path

LARGEST = "(--largest)"
"""What a loss ends with that a higher bound mends."""

AGAIN = "(a later run asks again)"
"""What a loss ends with that may not last."""

STORAGE = "(--storage names n8n's storage folder)"
"""What a loss ends with that the folder mends, where none was named."""


BUCKETS = {"s3": "S3", "azure": "Azure", "az": "Azure"}
"""Where n8n keeps files, as it names it (of run data it calls Azure az), and what people call it."""


class NoFolder(Exception):
    """The file is in a folder that was not named."""


class InBucket(Exception):
    """The file is in a bucket, and no copy of it in the folder; it says what to do."""

    def __init__(self, mode: str) -> None:
        super().__init__(f"{BUCKETS[mode]}: copy the bucket's folder workflows into n8n's storage folder {STORAGE}")


class FileTooLarge(Exception):
    """The file has more bytes than are brought."""


@dataclass(frozen=True, slots=True)
class RunFiles:
    """n8n's storage folder (N8N_STORAGE_PATH, or `storage` in its home); None: not to be had.

    What is larger than `most_bytes` is left where it is.
    """

    folder: Path | None
    most_bytes: int

    def read(self, reference: str) -> bytes | None:
        """The bytes that `filesystem-v2:path`, `filesystem:path`, `s3:path` or `azure:path` names; None when they
        cannot be had.

        Raises FileTooLarge, InBucket, NoFolder."""
        mode, _, name = reference.partition(":")
        return self.read_path(name, mode) if mode in ("filesystem", "filesystem-v2", *BUCKETS) else None

    def read_path(self, name: str, mode: str = "filesystem") -> bytes | None:
        """The bytes of a file within the folder; None when it is not there or elsewhere. `mode`: where n8n keeps it.

        Raises FileTooLarge, InBucket, NoFolder."""
        if mode not in BUCKETS:
            return self._read_path(name)
        content = None if self.folder is None else self._read_path(name)
        if content is None:
            raise InBucket(mode)
        return content

    def _read_path(self, name: str) -> bytes | None:
        if self.folder is None:
            raise NoFolder
        root = self.folder.resolve()
        try:
            path = (root / name).resolve()
            if not path.is_relative_to(root) or not path.is_file():
                return None
            if path.stat().st_size > self.most_bytes:
                raise FileTooLarge
            return path.read_bytes()
        except (OSError, RuntimeError, ValueError):  # RuntimeError: links in a circle
            return None
