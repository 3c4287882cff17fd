"""What `flask import` says: how far it is, and at the end a report, printed and as a file."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

if TYPE_CHECKING:
    from app.importing.n8n.report import Report

SECONDS_BETWEEN_LINES = 10
DETAIL = "    "
"""How the lines of a report begin that are details of the line above."""


class ProgressBar:
    """A bar for executions, where somebody looks on; a line every `SECONDS_BETWEEN_LINES` in a log."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._done, self._told_at = 0, time.monotonic()

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def expect(self, number: int | None) -> None:
        """There are so many at most."""
        self._bar = click.progressbar(length=number or 0, label="Executions", file=sys.stderr)

    def add(self, number: int) -> None:
        """So many more are done."""
        self._bar.update(number)
        self._done += number
        if not sys.stderr.isatty() and time.monotonic() - self._told_at >= SECONDS_BETWEEN_LINES:
            self._told_at = time.monotonic()
            click.echo(f"{self._done:,} of at most {self._bar.length:,} executions", err=True)


def show_report(report: "Report", file: Path | None, told: set[str] | None = None) -> None:
    """Print the report, but for what was `told` before, which is added to; write it where that was asked for."""
    for line in report.lines() if told is None else news(report.lines(), told):
        click.echo(line)
    write_report(report, file)


def news(lines: Iterable[str], told: set[str]) -> Iterator[str]:
    """The first line, and those that were not `told` the last time, details below their headings. `told` is renewed."""
    before, heading, is_shown = frozenset(told), "", False
    told.clear()
    for number, line in enumerate(lines):
        is_detail = line.startswith(DETAIL)
        if not is_detail:
            heading, is_shown = line, False
        key = f"{heading}\n{line}" if is_detail else line
        told.add(key)
        if number and key in before:
            continue
        if is_detail and not is_shown:
            yield heading
        is_shown = True
        yield line


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
