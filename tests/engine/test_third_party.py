"""A package that announces node types in `executions.nodes` adds them; a broken one is named."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "third_party"
PROJECT = Path(__file__).parents[2]
RUN = """
import json
from tests.engine.running import Engine
from tests.workflows import START, chain, node
engine = Engine()
greet = node("Greet", "acme.greet", {"name": "={{ $json.who }}"})
outcome = engine.run(chain(START, greet), items=[{"json": {"who": "Ada"}}])
engine.close()
print(json.dumps([outcome.status, outcome.data["resultData"]["runData"]["Greet"][0]["data"]["main"][0][0]["json"]]))
"""
LIST = "from app.engine import nodes; print(nodes.load().versions().get('acme.greet'))"


def python(program: str, *path: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [PROJECT, *path]))}
    return subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, cwd="/")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example as pip installs it; built from a copy, because building leaves files behind."""
    source, target = tmp_path_factory.mktemp("source") / "acme", tmp_path_factory.mktemp("installed")
    shutil.copytree(SOURCE, source)
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def test_a_node_of_another_package_runs(installed: Path) -> None:
    done = python(RUN, installed)
    assert done.stdout.strip() == '["success", {"who": "Ada", "greeting": "Hello Ada!"}]', done.stderr


def test_it_is_not_there_without_the_package(installed: Path) -> None:
    assert python(LIST).stdout.strip() == "None"
    assert python(LIST, installed).stdout.strip() == "(1,)"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("broken = nowhere_at_all", "No module named 'nowhere_at_all'"),
        ("taken = acme_taken", "n8n-nodes-base.noOp 1 is registered twice"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_named(tmp_path: Path, entry: str, reason: str) -> None:
    info = tmp_path / "acme_bad-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-bad\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[executions.nodes]\n{entry}\n")
    (tmp_path / "acme_taken.py").write_text(
        "from app.engine.sdk import node\nnode('noOp', [1])(lambda context: None)\n"
    )
    done = python(LIST, tmp_path)
    assert done.returncode != 0
    assert "InvalidNodePackage" in done.stderr
    assert "acme-bad" in done.stderr
    assert reason in done.stderr
