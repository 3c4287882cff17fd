"""What `flask import` says: how far it is, and at the end a report, printed and as a file."""

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

if TYPE_CHECKING:
    from app.importing.n8n.report import Report

SECONDS_BETWEEN_LINES = 10
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BEFORE_A_BAR = 0.5
"""A step that is done by then shows no bar."""
DETAIL = "    "
"""How the lines of a report begin that are details of the line above."""


class ProgressBar:
    """How far a move is, on standard error: a bar where somebody looks on, a line every `SECONDS_BETWEEN_LINES` in a
    log. While it is entered, a step in which nothing moves is told as well, by how long that has been so."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._is_watched = sys.stderr.isatty()
        self._what, self._done = "", 0
        self._most: int | None = None
        self._is_under_way = self._is_waiting_shown = False
        self._moved_at = 0.0
        self._lock = threading.RLock()
        self._left = threading.Event()
        self.start()

    def start(self) -> None:
        """A pass begins: what is told next takes long as from now."""
        self._told_at = time.monotonic()

    def __enter__(self) -> "ProgressBar":
        threading.Thread(target=self._watch, name="progress", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._left.set()
        self.end()

    def begin(self, what: str, most: int | None = None) -> None:
        """Another step: so many of this there are at most."""
        with self._lock:
            self._clear()
            self._what, self._most, self._done = what, most, 0
            self._is_under_way, self._moved_at = True, time.monotonic()
            if not self._is_watched:
                self._tell()

    def add(self, number: int = 1) -> None:
        """So many more are done."""
        with self._lock:
            self._done += number
            self._moved_at = time.monotonic()
            if not self._is_watched:
                self._tell()
            elif self._bar is None:
                self._tell(SECONDS_BEFORE_A_BAR)
            else:
                self._bar.update(number)

    def say(self, sentence: str) -> None:
        """A line of its own."""
        with self._lock:
            self._clear()
            click.echo(sentence, err=True)

    def end(self) -> None:
        """Nothing is under way. What comes next on the terminal begins a line."""
        with self._lock:
            self._clear()
            self._is_under_way = False

    def look(self) -> None:
        """Say for how long nothing has moved, where that is long: one statement may take minutes."""
        with self._lock:
            still = time.monotonic() - self._moved_at
            if not self._is_under_way or self._bar is not None or still < SECONDS_BEFORE_A_BAR:
                return
            if self._is_watched:
                click.echo(f"\r{self._what.capitalize()}: {still:.0f} s so far", err=True, nl=False)
                self._is_waiting_shown = True
            elif min(still, time.monotonic() - self._told_at) >= SECONDS_BETWEEN_LINES:
                self._told_at = time.monotonic()
                click.echo(f"{self._how_far()}, nothing new for {still:.0f} s", err=True)

    def _watch(self) -> None:
        while not self._left.wait(SECONDS_BETWEEN_LOOKS):
            self.look()

    def _clear(self) -> None:
        """What comes next on the terminal begins a line."""
        if self._bar is not None:
            self._bar.render_finish()
            self._bar = None
        if self._is_waiting_shown:
            click.echo(err=True)
            self._is_waiting_shown = False

    def _how_far(self) -> str:
        at_most = "" if self._most is None else f" of at most {self._most:,}"
        return f"{self._done:,}{at_most} {self._what}"

    def _tell(self, seconds: float = SECONDS_BETWEEN_LINES) -> None:
        """Say how far it is when so many seconds have passed since that was said."""
        if time.monotonic() - self._told_at < seconds:
            return
        self._told_at = time.monotonic()
        if not self._is_watched:
            click.echo(self._how_far(), err=True)
            return
        self._clear()
        self._bar = click.progressbar(
            None if self._most is not None else repeat(None),
            self._most,
            label=self._what.capitalize(),
            show_pos=True,
            file=sys.stderr,
        )
        self._bar.update(self._done)


@dataclass
class Told:
    """What the passes of --follow have said: the report of the last one, and its lines."""

    report: "Report | None" = None
    lines: frozenset[str] = frozenset()


def show_report(report: "Report", file: Path | None, told: Told | None = None) -> None:
    """Print the report, but for what was `told` before, which is renewed; write it where that was asked for."""
    for line in report.lines() if told is None else select_news(report, told):
        click.echo(line)
    write_report(report, file)


def select_news(report: "Report", told: Told) -> Iterator[str]:
    """The first report; of later ones what was not told the last time, with the time of day. Nothing where that is
    all."""
    details, told.lines = new_lines(report.detail_lines(), told.lines)
    news = [*report.count_lines(told.report), *details]
    if told.report is None:
        yield report.headline()
    elif news:
        yield f"{datetime.now():%H:%M:%S} {report.headline()}"
    told.report = report
    yield from news


def new_lines(lines: Iterable[str], before: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Those that were not there `before`, details below their headings; and what to compare the next ones with."""
    new, keys, heading, is_shown = [], set(), "", False
    for line in lines:
        is_detail = line.startswith(DETAIL)
        if not is_detail:
            heading, is_shown = line, False
        key = f"{heading}\n{line}" if is_detail else line
        keys.add(key)
        if key in before:
            continue
        if is_detail and not is_shown:
            new.append(heading)
        is_shown = True
        new.append(line)
    return new, frozenset(keys)


def check_report(file: Path | None) -> None:
    """Refuse a report that could not be written, before hours have gone into it."""
    if file is not None and (file.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK)):
        raise click.ClickException(f"{file} cannot be written: name another file with --report")


def write_report(report: "Report", file: Path | None) -> None:
    """Write the report as JSON where that was asked for."""
    if file is not None:
        try:
            file.write_bytes(orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2) + b"\n")
        except OSError as error:
            raise click.ClickException(
                f"{file} cannot be written: {error.strerror}. What came is kept; run the same again with another "
                "--report for one that has all"
            ) from error
