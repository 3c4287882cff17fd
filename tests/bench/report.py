"""What a benchmark found: printed as tables while it goes on, at its end written as JSON and drawn as a picture."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pygal
from pygal.style import CleanStyle

Figure = float | None


class Table:
    """Rows of figures under a heading; a column is a name and how its figures look (".1f", ",.0f", ".0%")."""

    def __init__(self, heading: str, columns: dict[str, str], shown: int | None) -> None:
        self.heading = heading
        self.columns = columns
        self.shown = shown  # how many rows are printed
        self.rows: dict[str, tuple[Figure, ...]] = {}

    def add(self, name: str, *figures: Figure) -> None:
        """One row; None where there is nothing to compare with."""
        if len(figures) != len(self.columns):
            raise ValueError(f"{len(self.columns)} figures wanted: {figures}")
        self.rows[name] = figures

    def lines(self) -> Iterator[str]:
        cells = [[self.heading, *self.columns]]
        for name, figures in islice(self.rows.items(), self.shown):
            looks = zip(figures, self.columns.values(), strict=True)
            cells.append([name, *("" if figure is None else format(figure, look) for figure, look in looks)])
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        cells.insert(1, ["-" * width for width in widths])
        for name, *others in cells:
            rest = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
            yield "  ".join([name.ljust(widths[0]), *rest]).rstrip()

    def as_json(self) -> dict[str, Any]:
        rows = {name: dict(zip(self.columns, figures, strict=True)) for name, figures in self.rows.items()}
        return {"name": self.heading, "rows": rows}


class Report:
    """All tables of one benchmark, in the order in which they were measured."""

    def __init__(self, **about: Any) -> None:
        self.about = {
            "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": platform.platform(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            **about,
        }
        self.tables: list[Table] = []

    @contextmanager
    def table(self, heading: str, *, shown: int | None = None, **columns: str) -> Iterator[Table]:
        """A table to fill; it, or as many of its rows as are to be shown, is printed when it is full."""
        table = Table(heading, columns, shown)
        yield table
        self.tables.append(table)
        print("", *table.lines(), sep="\n", flush=True)

    def write(self, path: Path) -> None:
        """All figures as JSON."""
        whole = {**self.about, "tables": [table.as_json() for table in self.tables]}
        path.write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2) + b"\n")


def draw_growth(table: Table, path: Path) -> None:
    """A picture of a table whose rows are sizes, in the order of growth, and whose columns are rates a second."""
    chart = pygal.Line(
        title=table.heading,
        style=CleanStyle,
        js=[],
        legend_at_bottom=True,
        range=(0, max(figure or 0 for figures in table.rows.values() for figure in figures)),
        x_labels=list(table.rows),
        x_title="executions in the table",
        disable_xml_declaration=True,
    )
    for index, name in enumerate(table.columns):
        chart.add(name, [figures[index] for figures in table.rows.values()])
    chart.render_to_file(str(path))
