"""A disk without room costs the shared figures, never the process."""

import subprocess
import sys

from tests.live import PROJECT

PROGRAM = """
import os, resource, sys
from pathlib import Path
from app import metric_files
folder = Path(sys.argv[1])
metric_files.clear(folder)
if len(sys.argv) > 3:
    import prometheus_client
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
metric_files.reserve(folder, os.getpid())
from prometheus_client import Counter
for number in range(2_000):
    Counter(f"counter_{number}", "x" * 200).inc()
print(metric_files.VARIABLE in os.environ, sorted(path.name.split("_")[0] for path in folder.glob("*")))
"""


def shared(folder, most_bytes, *more):
    command = [sys.executable, "-c", PROGRAM, str(folder), str(most_bytes), *more]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_room_for_the_figures_is_taken_before_they_are_written(tmp_path):
    assert shared(tmp_path / "metrics", 2**24) == "True ['counter', 'histogram']"
    assert {path.stat().st_blocks * 512 for path in (tmp_path / "metrics").iterdir()} >= {2**20}


def test_without_room_the_process_counts_alone_and_goes_on(tmp_path):
    assert shared(tmp_path / "metrics", 2**16) == "False []"
    assert shared(tmp_path / "metrics", 2**16, "loaded before") == "False []"


def test_a_folder_that_cannot_be_made_costs_the_figures_only(tmp_path):
    (tmp_path / "file").write_text("")
    assert shared(tmp_path / "file" / "metrics", 2**24).startswith("False")
