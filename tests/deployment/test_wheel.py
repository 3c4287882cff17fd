"""The package that pip installs: built, installed into an environment of its own, and run in another folder.

`make check-wheel` runs the demo of it as well; `make test` looks at what it holds and lets it migrate a database.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import site
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path

import pytest

from app.console.libraries import FILES as PAGE_FILES
from app.engine.sandbox.process import NODE
from app.packaging import NOT_OURS
from tests.live import PROJECT, environment, free_port
from tests.patience import PATIENCE_SECONDS
from tests.workflows import chain, node

pytestmark = pytest.mark.slow
LAST_NET_SECONDS = 10 * PATIENCE_SECONDS
"""Under a build, which copies and compresses thousands of files."""
REQUIRED = re.compile(r"""\brequire\((["'])([^"'\n]+)\1\)""")
BUILD = """import logging, zlib
from setuptools import build_meta
logging.disable(logging.INFO)
compress = zlib.compressobj
zlib.compressobj = lambda level, *how: compress(0, *how)
build_meta.build_{kind}('.')"""
"""Without a line for each of thousands of files, and without making them smaller, which takes a third of the time."""
FILES = "from app.packaging import data_files; print(*data_files(), sep='\\n')"
CALL = node("Call", "webhook", {"path": "greet", "responseMode": "lastNode"}, 2)
TEXT = {"mode": "markdownToHtml", "markdown": "=*Hello {{ $json.query.name }}*", "destinationKey": "text"}
GREETING = json.dumps(chain(CALL, node("Mark", "markdown", TEXT), name="Greet"))


def run(*command: object, cwd: Path, **environ: str) -> str:
    line = [str(part) for part in command]
    env = os.environ | environ
    ran = subprocess.run(line, cwd=cwd, env=env, capture_output=True, text=True, timeout=LAST_NET_SECONDS, check=False)
    assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def checkout(folder: Path) -> Path:
    """What building needs of the project, in a folder where no other test looks."""
    sources = run(sys.executable, "-c", FILES, cwd=PROJECT).splitlines()
    sources += ["setup.cfg", "pyproject.toml", "README.md", "LICENSE"]
    for name in (*sources, *(path.relative_to(PROJECT) for path in own_modules())):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, folder / name)
    return folder


def own_modules() -> list[Path]:
    return [path for path in (PROJECT / "app").rglob("*.py") if not NOT_OURS & set(path.parts)]


@dataclass(frozen=True)
class Built:
    """The wheel, made from the source distribution as pip would where there is no wheel."""

    wheel: Path
    files: frozenset[str]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    """Built by the first of the processes that run tests."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / "wheel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        [wheel] = list((shared / "a checkout").glob("unpacked/*/*.whl")) or [build(shared / "a checkout")]
    return Built(wheel, frozenset(zipfile.ZipFile(wheel).namelist()))


def build(folder: Path) -> Path:
    checkout(folder)
    run(sys.executable, "-c", BUILD.format(kind="sdist"), cwd=folder)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as sources:
        sources.extractall(folder / "unpacked")
    [source] = (folder / "unpacked").iterdir()
    run(sys.executable, "-c", BUILD.format(kind="wheel"), cwd=source)
    [wheel] = source.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def program(built, tmp_path_factory) -> Path:
    """The command `executions` of an environment that has the wheel, and of this one the packages that it needs."""
    place = tmp_path_factory.mktemp("an environment")
    run(sys.executable, "-m", "venv", "--without-pip", place, cwd=place)
    python = place / "bin" / "python"
    [packages] = place.glob("lib/python*/site-packages")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index")
    run(*pip, "--no-compile", built.wheel, cwd=place)
    # A line of a .pth adds the folder alone; what .pth files there say, such as where this checkout is, is not read.
    (packages / "needed.pth").write_text("\n".join(site.getsitepackages()))
    return place / "bin" / "executions"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with a space in its name, and with modules that are called as some of the program's."""
    folder = tmp_path / "some folder"
    folder.mkdir()
    for name in ("app", "wsgi", "limits", "flask", "gunicorn.conf"):
        (folder / f"{name}.py").write_text("raise SystemExit('a stranger was imported')\n")
    return folder


def test_the_wheel_holds_all_that_runs(built):
    data = {path for path in (PROJECT / "app").rglob("*") if path.is_file() and not NOT_OURS & set(path.parts)}
    own = {path.relative_to(PROJECT).as_posix() for path in data}
    beside = {f"app/beside/sql/{path.name}" for path in (PROJECT / "sql").iterdir()}
    assert own | beside | {"app/beside/wsgi.py", "app/beside/gunicorn.conf.py"} <= built.files
    assert {name.split("/")[0] for name in built.files} == {"app", "executions_api-0.1.0.dist-info"}


def test_every_javascript_package_comes_with_what_says_whose_it_is(built):
    modules = "app/engine/sandbox/node_modules/"
    names = {name.removeprefix(modules) for name in built.files if name.startswith(modules)}
    packages = {re.match(r"(?:.*/node_modules/)?(?:@[^/]+/)?[^/]+", name)[0] for name in names}
    assert {"luxon", "acorn", "astring", "cheerio", "pdfjs-dist", "alasql", "@e965/xlsx"} <= packages
    there = PROJECT / modules
    for package in packages:
        assert f"{package}/package.json" in names
        texts = {path.name for path in (there / package).iterdir() if path.name.upper().startswith("LICEN")}
        assert {f"{package}/{text}" for text in texts} <= names


def test_every_file_that_its_scripts_require_is_there(program, elsewhere):
    [installed] = program.parents[1].glob("lib/python*/site-packages/app")
    scripts = [path for path in installed.rglob("*.js") if not NOT_OURS & set(path.relative_to(installed).parts)]
    required = [(path, name) for path in scripts for _, name in REQUIRED.findall(path.read_text())]
    assert any("node_modules" in name for _, name in required)
    looked_up = """const files = JSON.parse(require('fs').readFileSync(0, 'utf8'));
        for (const [file, name] of files) require('module').createRequire(file).resolve(name);"""
    listed = json.dumps([(str(path), name) for path, name in required if name.startswith(".")])
    ran = subprocess.run([NODE, "-e", looked_up], input=listed, text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_what_pages_load_comes_with_what_says_whose_it_is(built):
    modules = "app/console/node_modules/"
    assert {f"{modules}{name}" for name in PAGE_FILES} <= built.files
    assert {f"{modules}{name.split('/')[0]}/LICENSE" for name in PAGE_FILES} <= built.files


def test_its_metadata_say_version_and_licence(built):
    [name] = [name for name in built.files if name.endswith("METADATA")]
    metadata = message_from_string(zipfile.ZipFile(built.wheel).read(name).decode())
    assert (metadata["Name"], metadata["Version"], metadata["License"]) == ("executions-api", "0.1.0", "MIT")
    assert metadata["License-File"] == "LICENSE"


def test_its_command_lists_migrates_and_makes_keys(program, elsewhere, empty_url):
    environ = environment(empty_url, elsewhere / "home")
    assert run(program, "--version", cwd=elsewhere, **environ) == "0.1.0\n"
    listed = re.findall(r"^  (\w+)  ", run(program, "--help", cwd=elsewhere, **environ), re.MULTILINE)
    assert listed == ["up", "migrate", "keys", "serve", "worker", "packages", "import", "doctor"]
    assert "Applied 0001.schema" in run(program, "migrate", cwd=elsewhere, **environ)
    assert run(program, "keys", "create", "mine", cwd=elsewhere, **environ).count(".") == 2


@pytest.fixture
def demo(program: Path, elsewhere: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`executions up` in that folder, for somebody who has no other home, once it says that it is ready."""
    port = free_port()
    environ = environment("", elsewhere / "home", HOME=elsewhere, PORT=port)
    del environ["EXECUTIONS_HOME"]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([program, "up"], env=environ, cwd=elsewhere, **output) as process:
        printed = []
        for line in process.stdout:
            printed.append(line)
            if line.startswith("Ctrl-C stops everything"):
                break
        assert process.poll() is None, "".join(printed)
        yield process, port
        process.terminate()


@pytest.mark.skipif("CHECK_WHEEL" not in os.environ, reason="make check-wheel runs the demo of the wheel")
def test_its_demo_comes_up_answers_a_webhook_and_goes_down(demo, elsewhere):
    process, port = demo
    key = (elsewhere / "var" / "api-key").read_text().strip()
    api = f"http://127.0.0.1:{port}/api/v1"
    json_body = ("-H", f"X-N8N-API-KEY: {key}", "-H", "Content-Type: application/json")
    stored = run("curl", "-sS", *json_body, f"{api}/workflows", "-d", GREETING, cwd=elsewhere)
    workflow = re.search(r'"id":"(\w{16})"', stored)[1]
    run("curl", "-sSf", *json_body, "-X", "POST", f"{api}/workflows/{workflow}/activate", cwd=elsewhere)
    answer = run("curl", "-sSf", f"http://127.0.0.1:{port}/webhook/greet?name=Ada", cwd=elsewhere)
    assert "<em>Hello Ada</em>" in answer
    assert "swagger" in run("curl", "-sSf", f"{api}/docs", cwd=elsewhere).lower()
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert not (elsewhere / "var" / "database-url").exists()
