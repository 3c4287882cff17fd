"""Scripts and styles of the pages: served from our own origin under names that change with their content.

Such a name means the same forever, so that a browser asks for it once.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.console.libraries import FILES

OWN = Path(__file__).with_name("static")
PACKAGES = Path(__file__).with_name("node_modules")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
IMPORT = re.compile(rb'(\bfrom |\bimport |\bnew URL\()"\./([a-z_-]+\.js)"')


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served; `address` is its name with a piece of its hash in it."""

    address: str
    content: bytes
    content_type: str


class Assets:
    """All files by their plain names, and by the names that they are served under."""

    def __init__(self) -> None:
        self._files = {path.name: path for path in (*sorted(OWN.iterdir()), *(PACKAGES / name for name in FILES))}
        self._by_name: dict[str, Asset] = {}
        for name in self._files:
            self._load(name)
        self.by_address = {asset.address: asset for asset in self._by_name.values()}

    def address(self, name: str) -> str:
        """What a file is served under, by its plain name."""
        return self._by_name[name].address

    def _load(self, name: str) -> Asset:
        """The file, with those that it imports or starts as workers under their served names; in no circle."""
        if name not in self._by_name:
            path = self._files[name]
            content = IMPORT.sub(self._served_import, path.read_bytes())
            fingerprint = hashlib.sha256(content).hexdigest()[:12]
            address = f"{path.stem}.{fingerprint}{path.suffix}"
            self._by_name[name] = Asset(address, content, TYPES[path.suffix])
        return self._by_name[name]

    def _served_import(self, match: re.Match[bytes]) -> bytes:
        return match[1] + b'"./' + self._load(match[2].decode()).address.encode() + b'"'


@cache
def assets() -> Assets:
    """Those of this program."""
    return Assets()
