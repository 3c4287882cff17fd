"""What a process loads when it starts. What only some of its work needs comes when that work comes, if it ever does.

Told by the names of modules, which no busy machine changes.
"""

import subprocess
import sys

import pytest

from app import commands
from tests.live import PROJECT
from tests.patience import PATIENCE_SECONDS

DOCUMENT = {"apispec", "flask_smorest", "yaml"}
OUTGOING = {"authlib", "chardet", "httpcore", "httpx"}
MIGRATING = {"sqlparse", "yoyo"}
TRACES = {"app.telemetry.tracer", "google", "opentelemetry", "requests"}
LOAD = "; from app.engine import nodes; nodes.load()"
WEB = "from flask import Flask; from app import web; web.add_endpoints(Flask('bare'))" + LOAD
WORKER = "import app.cli, app.worker" + LOAD
COMMAND = "from app.commands import main; main(['keys', 'scopes'], standalone_mode=False)"


@pytest.mark.parametrize(
    ("code", "late"),
    [
        pytest.param(WEB, {*DOCUMENT, *OUTGOING, *MIGRATING, *TRACES, "jwt", "limits", "app.worker"}, id="web"),
        pytest.param(
            WORKER, {*DOCUMENT, *OUTGOING, *MIGRATING, *TRACES, "flask", "marshmallow", "app.web"}, id="worker"
        ),
        pytest.param(
            COMMAND,
            {
                *DOCUMENT,
                *OUTGOING,
                *MIGRATING,
                "cryptography",
                "flask",
                "jwt",
                "marshmallow",
                "app.engine",
                "app.worker",
            },
            id="command",
        ),
        pytest.param("import app.commands", {"psycopg", "app.cli", "app.settings"}, id="list of commands"),
    ],
)
def test_a_start_loads_nothing_that_may_come_later(code: str, late: set[str]) -> None:
    told = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules, sep='\\n', file=sys.stderr)"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    assert not late & set(told.stderr.split())


@pytest.mark.parametrize("late", commands.main.commands.values(), ids=lambda late: late.name)
def test_a_list_of_commands_says_of_each_what_it_says_itself(late: commands.Late) -> None:
    command = late.load()
    assert (late.name, late.get_short_help_str(200)) == (command.name, command.get_short_help_str(200))
