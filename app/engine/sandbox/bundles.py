"""JavaScript libraries for nodes of ours, put together as one program that the sandbox can run.

Where a node's answer is whatever a certain library makes of its input (Markdown, HTML, XML), the library itself
answers, confined like any Code node. Knows files of `sandbox/node_modules`; runs nothing.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

MODULES = Path(__file__).parent / "node_modules"
_IMPORT_META = re.compile(r"\bimport\.meta\b")
_DYNAMIC_IMPORT = re.compile(r"\bimport\s*\(")
_EXPORT = re.compile(r"\bexport\s*\{([^{}]*)\}")
_REQUIRE = re.compile(r"""\brequire\(\s*(["'])([^"'\n]+)\1\s*\)""")
EMPTY = frozenset({"buffer", "http", "https", "stream", "string_decoder", "timers", "url"})
"""Modules of Node itself that the libraries name and can do without: they get an empty object."""
CONDITIONS = ("require", "node", "default")

ESCAPED_IMPORT = r"\u0069mport"
"""The same identifier or string to JavaScript, but no reason for the sandbox to look for import() in so much text."""

LOADER = """
const process = { env: {} };
const loaded = {};
const load = (id) => {
  if (id === null) return {};
  if (loaded[id]) return loaded[id].exports;
  const module = loaded[id] = { exports: {} };
  const [run, names] = modules[id];
  run.call(module.exports, module, module.exports, (name) => {
    if (names[name] === undefined) throw new Error(`Cannot find module '${name}'`);
    return load(names[name]);
  });
  return module.exports;
};
"""


ENDING = """
const CLEARER = new Map([
  ['Maximum call stack size exceeded', 'What was given is nested too deeply'],
  ['Invalid string length', 'What is made of it is too long for one text'],
]);
const messageOf = (error) => {
  const message = String(error?.message ?? error);
  return CLEARER.get(message) ?? message;
};
const answers = [];
for (const { json } of $input.all()) {
  try { answers.push({ json: { made: await answer(json) } }) }
  catch (error) { answers.push({ json: { failed: messageOf(error) } }) }
}
return answers;
"""


class Bundler:
    """Collects the files that an entry file needs."""

    def __init__(self) -> None:
        self._ids: dict[Path, int] = {}
        self._written: list[str] = []

    def add(self, path: Path) -> int:
        """Put in a file and all that it requires; returns its number."""
        if path in self._ids:
            return self._ids[path]
        number = self._ids[path] = len(self._ids)
        text = path.read_text("utf-8")
        if path.suffix == ".json":
            self._written.append(f"{number}: [(module) => {{ module.exports = {text} }}, {{}}]")
            return number
        names: dict[str, int | None] = {}
        for name in required(text):
            if name.removeprefix("node:") in EMPTY:
                names[name] = None
            elif (file := resolve(name, path.parent)) is not None:
                names[name] = self.add(file)
        if path.suffix == ".mjs":
            text = _as_commonjs(text)
        text = text.replace("import", ESCAPED_IMPORT).replace("new Function(", "$makeFunction(")
        function = f"function (module, exports, require) {{\n{text}\n}}"
        self._written.append(f"{number}: [{function}, {json.dumps(names)}]")
        return number

    @property
    def files(self) -> list[Path]:
        """The files that were collected, each once."""
        return list(self._ids)

    def text(self) -> str:
        """The program: each file as a function, and the loader that calls them."""
        return "const modules = {\n" + ",\n".join(self._written) + "\n};" + LOADER


def _as_commonjs(text: str) -> str:
    """An ES module that imports nothing, as text that sets `module.exports`. What it would import later is refused."""
    text = _IMPORT_META.sub("({})", _DYNAMIC_IMPORT.sub("$noImport(", text))
    [names] = _EXPORT.findall(text)
    exported = [entry.split(" as ") for entry in names.split(",") if entry.strip()]
    members = ", ".join(f"{entry[-1].strip()}: {entry[0].strip()}" for entry in exported)
    text = _EXPORT.sub(lambda _: f"module.exports = {{ {members} }}", text)
    return f'"use strict";{text}'


def required(text: str) -> list[str]:
    """The names of the modules that a CommonJS text requires."""
    return [name for _, name in _REQUIRE.findall(text)]


def resolve(name: str, folder: Path) -> Path | None:
    """The file that a module's name means in that folder; None when there is none."""
    if name.startswith("."):
        return _file((folder / name).resolve())
    parts = name.split("/")
    count = 2 if name.startswith("@") else 1
    package, rest = "/".join(parts[:count]), "/".join(parts[count:])
    for place in (folder, *folder.parents):
        root = place / "node_modules" / package
        if root.is_dir():
            return _in_package(root, rest)
        if place == MODULES.parent:
            break
    return None


def _in_package(root: Path, rest: str) -> Path | None:
    description = json.loads((root / "package.json").read_text("utf-8"))
    exports = description.get("exports")
    if exports is not None:
        target = exports if rest == "" and "." not in exports else exports.get(f"./{rest}" if rest else ".")
        chosen = _choose(target)
        if chosen is not None:
            return (root / chosen).resolve()
    return _file(root / (rest or description.get("main") or "index.js"))


def _choose(target: Any) -> str | None:
    """The file that conditional exports lead to."""
    if isinstance(target, str):
        return target
    if isinstance(target, list):
        return next((choice for entry in target if (choice := _choose(entry))), None)
    if isinstance(target, dict):
        return next((choice for condition in CONDITIONS if (choice := _choose(target.get(condition)))), None)
    return None


def _file(path: Path) -> Path | None:
    ends = ("", ".js", ".cjs", ".json", "/index.js")
    return next((file.resolve() for end in ends if (file := Path(f"{path}{end}")).is_file()), None)


_made: dict[tuple[Any, ...], str] = {}


async def program(body: str, surroundings: str = "", **libraries: str) -> str:
    """A Code node's program: for each input item, what the function `answer` of `body` makes of its json.

    `body` sees the libraries as constants, each named and given as a file in node_modules; these see `surroundings`,
    a program that runs before they do. What `answer` throws
    comes back as {failed: message}, anything else as {made: value}. It is put together once, in a thread: a library may
    have hundreds of files.
    """
    asked = (body, surroundings, *libraries.items())
    if asked not in _made:
        _made[asked] = await asyncio.to_thread(_put_together, body, surroundings, libraries)
    return _made[asked]


def _put_together(body: str, surroundings: str, libraries: dict[str, str]) -> str:
    bundler = Bundler()
    constants = [f"const {name} = load({bundler.add((MODULES / path).resolve())});" for name, path in libraries.items()]
    return "\n".join([bundler.text(), surroundings, *constants, body, ENDING])
