"""make: lists its targets, finds a Python, says what is missing, and installs only what changed."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import PROJECT
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def shell() -> dict[str, str]:
    """The variables without what `make test` tells the makes below it, as if called from a shell."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def make(*arguments: str, folder: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=shell(),
        capture_output=True,
        text=True,
        timeout=5 * PATIENCE_SECONDS,
        check=False,
    )


PACKAGES = """.packages:
\t@echo begun; while [ ! -e go-on ]; do sleep 0.1; done; echo ended

"""
WAITING = "Another make is installing packages in this folder: waiting for it\n"


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A checkout in which nothing was installed, at a path with a space."""
    folder = tmp_path / "fresh checkout"
    folder.mkdir()
    for name in ("Makefile", "setup.cfg", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder)
    return folder


def test_make_alone_lists_every_target_with_what_it_does():
    listed = dict(re.findall(r"^make (\S+) +(\S.+)$", make().stdout, re.MULTILINE))
    [targets] = re.findall(r"^\.PHONY: (.+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert listed.keys() == set(targets.split())
    assert {"run", "test", "serve", "worker", "migrate", "lint", "bench", "clean"} <= listed.keys()


def test_what_is_installed_is_not_installed_again():
    make("install-dev")
    again = make("install-dev")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_no_suitable_python_is_said_with_what_helps(fresh):
    result = make("run", "PYTHON=/no such/python", folder=fresh)
    assert result.returncode != 0
    assert "Python 3.11 or newer is needed and was not found as /no such/python." in result.stderr
    assert "make PYTHON=" in result.stderr


def test_a_python_too_old_is_not_taken(fresh):
    old = fresh / "old python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert "3.11 or newer" in make("run", f"PYTHON={old}", folder=fresh).stderr


def test_a_python_without_venv_names_the_package_to_install(fresh):
    bare = fresh / "bare python"
    bare.write_text(f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"\n')
    bare.chmod(0o755)
    result = make("run", f"PYTHON={bare}", folder=fresh)
    assert result.returncode != 0
    assert "apt install python3-venv" in result.stderr
    assert not (fresh / ".venv").exists()


def test_a_venv_whose_python_is_gone_is_made_anew(fresh):
    """By a Python that leaves out pip, which takes seconds."""
    (fresh / ".venv" / "bin").mkdir(parents=True)
    (fresh / ".venv" / "bin" / "python").symlink_to("/no/such/python")
    quick = fresh / "quick python"
    quick.write_text(f'#!/bin/sh\n[ "$2" != venv ] || set -- "$@" --without-pip\nexec "{sys.executable}" "$@"\n')
    quick.chmod(0o755)
    assert make(".venv/bin/python", f"PYTHON={quick}", folder=fresh).returncode == 0
    assert subprocess.run([fresh / ".venv/bin/python", "-V"], check=False).returncode == 0


def test_two_at_once_install_one_after_the_other(fresh):
    (fresh / "Makefile").write_text(
        re.sub(r"^\.packages: .+?(?=^\.packages-dev)", PACKAGES, (fresh / "Makefile").read_text(), flags=re.M | re.S)
    )
    with subprocess.Popen(["make", "install"], cwd=fresh, env=shell(), stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "begun\n"
        with subprocess.Popen(["make", "install"], cwd=fresh, env=shell(), stdout=subprocess.PIPE, text=True) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == WAITING
            (fresh / "go-on").touch()
            assert first.communicate()[0] == "ended\n"
            assert second.communicate()[0] == "begun\nended\n"
    assert not (fresh / ".installing").is_symlink()


def test_what_was_installing_and_is_gone_keeps_nobody_waiting(fresh):
    with subprocess.Popen(["true"]) as gone:
        pass
    (fresh / ".installing").symlink_to(str(gone.pid))
    result = make("install", "PYTHON=/no such/python", folder=fresh)
    assert "Python 3.11 or newer is needed" in result.stderr


def test_nothing_is_removed_under_a_running_server(fresh):
    (fresh / ".venv" / "bin").mkdir(parents=True)
    (fresh / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (fresh / "var").mkdir()
    with (fresh / "var" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = make("clean", folder=fresh)
    assert refused.returncode != 0
    assert "stop it first" in refused.stderr
    assert (fresh / ".venv").exists()
    assert make("clean", folder=fresh).returncode == 0
    assert not (fresh / ".venv").exists()
