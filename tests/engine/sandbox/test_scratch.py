"""Folders that processes write into go, whatever was made of them, and whoever has left them."""

import os
import time

from app.engine.sandbox import scratch
from app.engine.sandbox.scratch import ScratchRoot, remove, remove_left


def test_folders_go_that_no_path_can_name(tmp_path):
    """Deeper in each other than a path may be long, and than Python calls itself."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "file").write_text("")
    held = os.open(folder, os.O_RDONLY)
    for _ in range(1_100):
        os.mkdir("inner", dir_fd=held)
        inner = os.open("inner", os.O_RDONLY, dir_fd=held)
        os.close(held)
        held = inner
    os.mkdir("closed", mode=0, dir_fd=held)
    os.close(held)
    remove(folder)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_program_has_left_goes_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    held, left, young = ScratchRoot("mine-"), tmp_path / "mine-left", tmp_path / "mine-young"
    (left / "folder").mkdir(parents=True)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setattr(scratch, "MAX_AGE_UNLOCKED", -1.0)
    remove_left("mine-")
    assert sorted(tmp_path.iterdir()) == sorted([held.path, other])
    young.mkdir()
    shift = time.time() - young.stat().st_ctime  # of the clock, where a test shifts it: that of files is not
    monkeypatch.setattr(scratch, "MAX_AGE_UNLOCKED", shift + 60.0)
    remove_left("mine-")
    held.remove()
    assert sorted(tmp_path.iterdir()) == sorted([young, other])
