"""Where the files are that stand beside app/ in a checkout: sql/, wsgi.py and gunicorn.conf.py.

An installed package has copies of them in app/beside/, put there when it was built (app.packaging).
"""

import sys
from functools import cache
from importlib import metadata
from pathlib import Path

APP = Path(__file__).resolve().parent
INSTALLED = APP / "beside"
BESIDE = INSTALLED if INSTALLED.is_dir() else APP.parent


@cache
def version() -> str:
    """The version of the program."""
    return metadata.version("executions-api")


def gunicorn() -> list[str]:
    """The command that serves the API, to be started in BESIDE: gunicorn takes modules from the folder it is in."""
    return [sys.executable, "-P", "-m", "gunicorn", "--config", str(BESIDE / "gunicorn.conf.py"), "wsgi:app"]
