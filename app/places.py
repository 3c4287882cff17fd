"""Where the files are that stand beside app/ in a checkout: sql/, wsgi.py and gunicorn.conf.py.

An installed package has copies of them in app/beside/, put there when it was built (app.packaging).
"""

import json
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

APP = Path(__file__).resolve().parent
INSTALLED = APP / "beside"
BESIDE = INSTALLED if INSTALLED.is_dir() else APP.parent
INSTALL_AGAIN = (
    "install the packages anew: `make install` in a checkout, or `pip install --force-reinstall` of the wheel"
)


@cache
def version() -> str:
    """The version of the program."""
    return metadata.version("executions-api")


@cache
def build() -> str:
    """The version of the program, with the newest migration that it knows: versions are few, migrations many."""
    newest = max((path.name.partition(".")[0] for path in (BESIDE / "sql").glob("*.sql")), default="none")
    return f"{version()} with migrations up to {newest}"


def missing_packages() -> list[str]:
    """The JavaScript packages that the program needs and has not got beside it."""
    missing: list[str] = []
    for folder in (APP / "engine" / "sandbox", APP / "console"):
        wanted = json.loads((folder / "package.json").read_bytes())["dependencies"]
        missing += [name for name in wanted if not (folder / "node_modules" / name / "package.json").is_file()]
    return missing


def gunicorn() -> list[str]:
    """The command that serves the API, to be started in BESIDE: gunicorn takes modules from the folder it is in."""
    return [sys.executable, "-P", "-m", "gunicorn", "--config", str(BESIDE / "gunicorn.conf.py"), "wsgi:app"]
