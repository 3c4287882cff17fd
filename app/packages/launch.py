"""How the process of node packages is started: what it may read and write, and how much of the machine it may have."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from app.engine.sandbox.process import Launch
from app.engine.sandbox.scratch import Scratch
from app.engine.sandbox.walls import Limits, drops_root
from app.outgoing.certificates import further_authorities

JS = Path(__file__).parent.resolve() / "js"
FRAMES = Path(__file__).parents[1].resolve() / "engine" / "sandbox" / "js"
DATES = Path(__file__).parents[1].resolve() / "engine" / "sandbox" / "node_modules" / "luxon"
"""The library that expressions have for dates, and packages with them."""
STAND_IN = JS / "stand-in"
MAX_FILE_BYTES = 64 * 2**20
MAX_SCRATCH_BYTES = 256 * 2**20
MAX_SCRATCH_FILES = 10_000
MAX_FILES = 256
MEMORY_MB = 512
SMALL = ("--optimize-for-size", "--max-semi-space-size=4", "--no-compilation-cache")
"""With all of a large package loaded this halves what a process takes."""


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of a package process: it reads `packages`, and reads and writes `scratch`, which is its own."""

    packages: Path
    scratch: Path
    stand_in: Path = STAND_IN


def launch(mode: str, places: Places, memory_mb: int = MEMORY_MB, code_bytes: int = 0) -> Launch:
    """How a package process is started ("catalogue" or "serve"). It may read the packages, and its own program.

    One that has loaded more than `code_bytes` (0: any) of packages takes no more calls.
    """
    packages = places.packages.resolve()
    if (trusted := further_authorities()) is not None:
        (places.scratch / "trusted.pem").write_text(trusted)
    readable = all(map(others_may_read, (packages, JS, FRAMES, DATES, places.stand_in)))
    limits = Limits(memory_mb, MAX_FILE_BYTES, MAX_FILES, keeps_user=not readable)
    if drops_root(limits):
        give_away(places.scratch)
    read = [f"--allow-fs-read={folder}" for folder in (JS, FRAMES, DATES, places.stand_in, packages, places.scratch)]
    options = (*read, f"--allow-fs-write={places.scratch}", "--unhandled-rejections=warn", *SMALL)
    arguments = (str(JS / "main.js"), mode, str(places.stand_in), str(places.scratch), str(code_bytes))
    scratch = Scratch(places.scratch, MAX_SCRATCH_BYTES, MAX_SCRATCH_FILES)
    return Launch(options, arguments, limits, marks=mode == "serve", scratch=scratch)


def others_may_read(folder: Path) -> bool:
    """Whether any user of this machine gets to a folder; else a process that works for root has to stay root."""
    try:
        return all(each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.parents))
    except OSError:
        return False


def give_away(folder: Path) -> None:
    """Let the folder belong to `nobody`, whose processes write into it."""
    entry = pwd.getpwnam("nobody")
    os.chown(folder, entry.pw_uid, entry.pw_gid)
