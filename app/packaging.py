"""How setuptools builds the package: with everything that runs, and not only Python's files. setup.cfg names it.

Put in are the other files of app/, what stands beside it in a checkout (see app.places), and of the JavaScript
packages the files that programs of ours are put together from, each with its package's licence. Imports nothing of the
program, whose requirements are not there when it is built.
"""

import ast
import functools
import re
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

APP = Path("app")
SANDBOX = APP / "engine" / "sandbox"
MODULES = SANDBOX / "node_modules"
SCRIPTS = (SANDBOX / "js", APP / "packages" / "js")
CONSOLE = APP / "console"
CONSOLE_MODULES = CONSOLE / "node_modules"
BESIDE = ("sql/*.sql", "wsgi.py", "gunicorn.conf.py")
"""What stands beside app/ in a checkout; an installed package has it in app/beside/."""
INSTALLED = APP / "beside"
NOT_OURS = {"node_modules", "__pycache__", "beside"}
ENDS_AS_SCRIPT = re.compile("js[\"']")
PACKAGE_FILES = ("package.json", "licen[cs]e*", "LICEN[CS]E*", "NOTICE*", "COPYING*")


class BuildWithData(build_py):  # type: ignore[misc]
    """build_py, and what the package needs besides Python's files."""

    def run(self) -> None:
        """Raises SetupError where the JavaScript packages are missing."""
        super().run()
        if self.editable_mode:
            return
        for folder in (MODULES, CONSOLE_MODULES):
            if not folder.is_dir() and not INSTALLED.is_dir():
                raise SetupError(f"{folder} is missing: run `make wheel`, which installs the JavaScript packages first")
        for source, target in self._copies():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)

    def get_source_files(self) -> list[str]:
        """What the source distribution holds of all that."""
        return [*super().get_source_files(), *(str(source) for source in data_files())]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """What building writes; nothing more where the package is run from its checkout."""
        copied = [] if self.editable_mode else [str(target) for _, target in self._copies()]
        return [*super().get_outputs(include_bytecode), *copied]

    def _copies(self) -> Iterator[tuple[Path, Path]]:
        for source in data_files():
            place = source if source.parts[0] == APP.name else INSTALLED / source
            yield source, Path(self.build_lib) / place


@functools.cache
def data_files() -> tuple[Path, ...]:
    """Everything that is put in, seen from the project's folder; without JavaScript packages where there are none.

    Looked for once a process: a build asks several times.
    """
    own = (path for path in APP.rglob("*") if path.suffix != ".py" and not NOT_OURS & set(path.parts))
    beside = (path for pattern in BESIDE for path in Path().glob(pattern))
    libraries = library_files() if MODULES.is_dir() else set()
    if CONSOLE_MODULES.is_dir():
        libraries |= page_files()
    return tuple(sorted({path for path in (*own, *beside) if path.is_file()} | libraries))


def library_files() -> set[Path]:
    """The files of node_modules that programs are put together from, and what says whose these are."""
    bundles: dict[str, Any] = runpy.run_path(str(SANDBOX / "bundles.py"))
    bundler = bundles["Bundler"]()
    scripts = (path for folder in SCRIPTS for path in folder.rglob("*.js"))
    required = {name for script in scripts for name in bundles["required"](script.read_text("utf-8"))}
    # A script that lies elsewhere names a package by its folder.
    packages = {name.rpartition("/node_modules/")[2] for name in required if "/node_modules/" in name}
    packages |= {name for name in required if not name.startswith(("node:", "."))}
    wanted = {path for name in packages if (path := bundles["resolve"](name, SANDBOX.resolve())) is not None}
    wanted |= {(MODULES / name).resolve() for name in _names() if (MODULES / name).is_file()}
    for path in sorted(wanted):
        bundler.add(path)
    return with_licences({path.relative_to(Path().resolve()) for path in bundler.files})


def page_files() -> set[Path]:
    """The files of node_modules that the console's pages load, and what says whose these are."""
    names: tuple[str, ...] = runpy.run_path(str(CONSOLE / "libraries.py"))["FILES"]
    return with_licences({CONSOLE_MODULES / name for name in names})


def with_licences(paths: set[Path]) -> set[Path]:
    """The files of packages, and what says whose these are."""
    folders = {_package(path) for path in paths}
    return paths | {
        path for folder in folders for pattern in PACKAGE_FILES for path in folder.glob(pattern) if path.is_file()
    }


def _names() -> Iterator[str]:
    """The texts in the engine's modules and scripts that may name a file of node_modules."""
    for path in (APP / "engine").rglob("*.py"):
        if NOT_OURS & set(path.parts):
            continue
        text = path.read_text("utf-8")
        if not ENDS_AS_SCRIPT.search(text):
            continue
        for part in ast.walk(ast.parse(text)):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.endswith("js"):
                yield part.value


def _package(path: Path) -> Path:
    """The folder of the package that a file of node_modules belongs to; not one of a folder in it."""
    parts = path.parts
    start = len(parts) - parts[::-1].index("node_modules")
    return Path(*parts[: start + (2 if parts[start].startswith("@") else 1)])
