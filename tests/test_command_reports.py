"""How far an import is, on a terminal and in a log."""

import io
import sys
import threading

import pytest

from app import command_reports
from app.command_reports import ProgressBar
from tests.patience import PATIENCE_SECONDS


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def pass_seconds(monkeypatch):
    """Lets seconds pass."""
    now = [0.0]
    monkeypatch.setattr(command_reports.time, "monotonic", lambda: now[0])

    def add(seconds: float) -> None:
        now[0] += seconds

    return add


def test_a_log_gets_a_line_every_ten_seconds_and_nothing_of_a_terminal(pass_seconds, capsys):
    with ProgressBar() as progress:
        progress.begin("executions stored", 30_000)
        for _ in range(50):
            pass_seconds(0.5)
            progress.add(500)
        progress.begin("rows of folder read")
        progress.add(5)
        pass_seconds(10)
        progress.begin("executions counted")
    said = capsys.readouterr().err
    assert said.splitlines() == [
        "10,000 of at most 30,000 executions stored",
        "20,000 of at most 30,000 executions stored",
        "0 executions counted",
    ]


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        (io.StringIO, "0 executions counted, nothing new for 10 s\n0 executions counted, nothing new for 20 s\n"),
        (
            Terminal,
            "\rExecutions counted: 5 s so far\rExecutions counted: 10 s so far\rExecutions counted: 15 s so far",
        ),
    ],
    ids=["log", "terminal"],
)
def test_a_step_that_is_one_long_statement_is_told(pass_seconds, monkeypatch, stderr, expected):
    seen = stderr()
    monkeypatch.setattr(sys, "stderr", seen)
    progress = ProgressBar()
    progress.begin("executions counted")
    for _ in range(4):
        progress.look()
        pass_seconds(5)
    progress.look()
    assert seen.getvalue().startswith(expected)
    progress.end()
    assert seen.getvalue().endswith("\n")
    pass_seconds(100)
    told = seen.getvalue()
    progress.look()
    assert seen.getvalue() == told


def test_a_step_that_goes_on_slowly_is_told_by_how_far_it_is(pass_seconds, capsys):
    progress = ProgressBar()
    progress.begin("executions stored")
    for _ in range(4):
        pass_seconds(4)
        progress.look()
        progress.add(500)
    assert capsys.readouterr().err == "1,500 executions stored\n"


def test_whoever_imports_is_told_while_nothing_moves(monkeypatch):
    monkeypatch.setattr(command_reports, "SECONDS_BETWEEN_LOOKS", 0.001)
    monkeypatch.setattr(command_reports, "SECONDS_BEFORE_A_BAR", 0.0)
    looked = threading.Event()
    monkeypatch.setattr(ProgressBar, "look", lambda _: looked.set())
    with ProgressBar():
        assert looked.wait(PATIENCE_SECONDS)


def test_a_terminal_gets_a_bar_for_what_takes_long(pass_seconds, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = ProgressBar()
    progress.begin("rows of folder read")
    progress.add(7)
    assert terminal.getvalue() == ""
    progress.begin("executions listed")
    for _ in range(5):
        pass_seconds(1)
        progress.add(250)
    assert "Executions listed" in terminal.getvalue()
    progress.begin("executions stored", 2_000)
    for _ in range(5):
        pass_seconds(1)
        progress.add(400)
    progress.say("It is asked again in 30 seconds.")
    progress.end()
    said = terminal.getvalue()
    assert said.splitlines()[-1] == "It is asked again in 30 seconds."
    assert "2000/2000" in said
