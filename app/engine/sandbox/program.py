"""The sandbox's program as one text in a sealed memory file, so that a process needs no right to read any file.

A process is started with a short script that reads all others from an open file; nobody can change what that holds.
Knows files of `js` and `node_modules`, and how a process gets them; runs nothing.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from app.engine.sandbox.bundles import MODULES, required, resolve
from app.engine.sandbox.process import Launch
from app.engine.sandbox.walls import Limits

HERE = Path(__file__).parent
_JS = HERE / "js"
# Libraries that are evaluated inside the contexts, file by file.
_REALM = (
    "luxon/build/cjs-browser/luxon.js",
    "jmespath/jmespath.js",
    "buffer/index.js",
    "base64-js/index.js",
    "ieee754/index.js",
)
_HEAD = f"(function (require) {{{(_JS / 'loader.js').read_text('utf-8')}\n}})".encode()
"""What stands in the file before the program, and reads it."""
START = (
    "const [, , file, size] = process.argv, head = Buffer.alloc(+size); "
    "require('fs').readSync(+file, head, 0, +size, 0); "
    "require('vm').runInThisContext(String(head), { filename: 'sandbox:js/loader.js' })(require)"
)
"""What a process is started with: `node -e START MODE FILE SIZE SIZE ...`. Short: whoever lists processes sees it."""
OPTIONS = (
    "--disallow-code-generation-from-strings",
    "--disable-proto=delete",
    "--frozen-intrinsics",
    "--unhandled-rejections=none",
)


def launch(mode: str, memory_mb: int) -> Launch:
    """How a process of the sandbox is started; it reads no file but the program that it is handed."""
    program, size = descriptor()
    return Launch(OPTIONS, ("-e", START, mode, str(program), str(len(_HEAD)), str(size)), Limits(memory_mb), (program,))


@cache
def descriptor() -> tuple[int, int]:
    """An open file with the loader and the whole program, for reading only, and the size of the program. It stays open
    for as long as Python runs."""
    program = orjson.dumps(_collect_modules())
    text = _HEAD + program
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("sandbox", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(file, text)
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
        return file, len(program)
    with tempfile.NamedTemporaryFile() as named:
        named.write(text)
        named.flush()
        return os.open(named.name, os.O_RDONLY | os.O_CLOEXEC), len(program)


def _collect_modules() -> dict[str, Any]:
    """{"files": {path: text}, "names": {path: {what it requires: path}}}"""
    files: dict[str, str] = {}
    names: dict[str, dict[str, str]] = {}
    waiting = [*_JS.glob("*.js"), *(_JS / "realm").glob("*.js"), *(MODULES / name for name in _REALM)]
    while waiting:
        path = waiting.pop()
        place = _place(path)
        if place in files:
            continue
        files[place] = path.read_text("utf-8")
        names[place] = {}
        if path.parent.name == "realm" or place.removeprefix("node_modules/") in _REALM:
            continue
        for name in required(files[place]):
            file = None if name.startswith("node:") else resolve(name, path.parent)
            if file is not None:
                names[place][name] = _place(file)
                waiting.append(file)
    return {"files": files, "names": names}


def _place(path: Path) -> str:
    return path.resolve().relative_to(HERE.resolve()).as_posix()
